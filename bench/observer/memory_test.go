package main

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
)

func TestMeminfo(t *testing.T) {
	const text = "MemTotal:       24683520 kB\nAnonPages:         12345 kB\nHugePages_Total:       0\n"
	if n, err := meminfo(text, "AnonPages"); n != 12345<<10 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, key := range []string{"Anon", "HugePages_Total", ""} {
		if n, err := meminfo(text, key); err == nil {
			t.Errorf("%q is %d", key, n)
		}
	}
	if n, err := anonPages(); n == 0 || err != nil {
		t.Errorf("of this machine: %d, %v", n, err)
	}
}

func TestKillIsTimed(t *testing.T) {
	stopwatchThreads(t)
	b := testBench(t)
	h := testHost(t, b)
	m, err := b.openMemory(h)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	if err := m.setZero(); err != nil {
		t.Fatal(err)
	}
	if h.Group == nil {
		m.zero += 1 << 50 // the machine's memory is other tests' too: only the death is timed
	}
	child, err := h.Save(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	var k kill
	var stopwatch sync.WaitGroup
	onOwnThread(&stopwatch, func() { err = k.time(child, m) })
	stopwatch.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if k.dead <= 0 || k.back <= 0 {
		t.Errorf("%+v", k)
	}
	<-child.Exited()
	if status, known := child.ExitStatus(); known && !status.Signaled() {
		t.Errorf("the child ended with %#x, not by the signal", status)
	}
}

func TestLodger(t *testing.T) {
	b := testBench(t)
	h := testHost(t, b)
	if h.Group == nil {
		t.Skip("no memory cgroup can be made here")
	}
	group, err := limits.NewFS("/proc", "/sys").MemoryCgroup(h.PID())
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	members := func() int {
		t.Helper()
		pids, err := group.Processes()
		if err != nil {
			t.Fatal(err)
		}
		return len(pids)
	}
	if n := members(); n != 1 {
		t.Errorf("%d processes beside nobody", n)
	}
	_, stop, err := b.observe(t.Context(), h, observer{name: unobserved})
	if err != nil {
		t.Fatal(err)
	}
	if n := members(); n != 2 {
		t.Errorf("%d processes with the lodger", n)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := members(); n != 1 {
		t.Errorf("%d processes after it has left", n)
	}
	_, stop, err = b.observe(t.Context(), h, observer{alone: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	if n := members(); n != 1 {
		t.Errorf("%d processes where the server should be alone", n)
	}
}

func TestBurst(t *testing.T) {
	stopwatchThreads(t)
	idle, err := rig.Start(nil, "sleep", "infinity")
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Stop()
	busy, err := rig.Start(nil, "sh", "-c", "while :; do :; done")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Stop()
	const patience = 30 * time.Second
	watch := func(p *rig.Process, limit time.Duration) (burst bool) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		var stopwatch sync.WaitGroup
		onOwnThread(&stopwatch, func() { burst = awaitBurst(ctx, p.PID()) })
		stopwatch.Wait()
		return burst
	}
	if !watch(busy, patience) {
		t.Error("a busy process is taken for an idle one")
	}
	// Its start is a burst of its own, so that it may be taken for busy at first.
	for start := time.Now(); watch(idle, 200*time.Millisecond); {
		if time.Since(start) > patience {
			t.Fatal("an idle process is taken for a busy one")
		}
	}
}
