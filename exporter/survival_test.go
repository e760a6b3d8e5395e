package exporter

import (
	"math"
	"syscall"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

// A server that has never forked has no forecast, and its first fork is the basis
// of one.
func TestForecastAppearsWithTheFirstFork(t *testing.T) {
	const keys = 60_000
	server, r := startPair(t, redisrun.Options{})
	if err := redisrun.Fill(t.Context(), server.Client(), keys, 400); err != nil {
		t.Fatal(err)
	}
	r.await("the worst case is known", func() bool {
		return r.value("redis_fork_next_memory_worst_case_bytes") > keys*400
	})
	for _, name := range []string{"redis_fork_next_memory_expected_bytes", "redis_fork_next_stall_seconds"} {
		if got := r.value(name); got != missing {
			t.Errorf("%s is %v before the first fork", name, got)
		}
	}
	if got := r.value("redis_fork_headroom_bytes", "limit", "host"); got < 1<<20 {
		t.Errorf("headroom of the host is %v", got)
	}
	for _, reason := range []string{"overcommit", "tasks"} {
		if got := r.value("redis_fork_next_refused", "reason", reason); got != 0 {
			t.Errorf("refused for %s: %v", reason, got)
		}
	}

	// A save of some seconds under a load.
	set(t, server, "rdb-key-save-delay", "-4")
	load := redisrun.StartLoad(t.Context(), server.Client(), redisrun.LoadOptions{Rate: 2000, Keys: keys, ValueSize: 400})
	defer load.Stop()
	time.Sleep(2 * time.Second) // so that there is a rate
	do(t, server, "BGSAVE")
	f := r.awaitForks(1)[0]
	extra, ok := f.ExtraPeakBytes.Get()
	if !ok || extra < 1<<20 || len(f.ExtraCurve) < 2 || f.Changes.Or(0) < 1000 {
		t.Fatalf("extra memory %d, %d points, %v changes", extra, len(f.ExtraCurve), f.Changes)
	}
	if peak := f.PeakBytes.Or(0); float64(extra) < .5*float64(peak) || float64(extra) > 2*float64(peak)+8<<20 {
		t.Errorf("extra memory %d, of which the child's alone %d: overwriting values, they are about the same", extra, peak)
	}
	r.await("there is a forecast", func() bool { return r.value("redis_fork_next_memory_expected_bytes") != missing })
	// The load goes on as it was, so the next fork is expected to be like this one.
	if got := r.value("redis_fork_next_memory_expected_bytes"); got < float64(extra)/3 || got > 3*float64(extra)+8<<20 {
		t.Errorf("%v bytes are forecast, the last fork needed %d", got, extra)
	}
	stall := r.value("redis_fork_last_stall_seconds", "kind", "rdb")
	if got := r.value("redis_fork_next_stall_seconds"); math.Abs(got-stall) > stall/2 {
		t.Errorf("a stall of %v is forecast, the last was %v", got, stall)
	}
	if got := r.value("redis_fork_last_extra_memory_bytes", "kind", "rdb"); got != float64(extra) {
		t.Errorf("last_extra_memory_bytes is %v, the record says %d", got, extra)
	}
}

func TestHeadroomOfARealCgroup(t *testing.T) {
	cgroup := newMemoryCgroup(t)
	server := redistest.Start(t, redisrun.Options{})
	cgroup.add(t, server.PID()) // before its memory is charged to another
	if err := redisrun.Fill(t.Context(), server.Client(), 200_000, 400); err != nil {
		t.Fatal(err)
	}
	r := startExporter(t, []string{"s=" + server.Addr()})
	const limit = 400 << 20
	cgroup.limitTo(t, limit)
	r.await("the limit is seen", func() bool {
		left := float64(limit - cgroup.usage(t)) // and what file cache could be dropped, of which there is hardly any
		got := r.value("redis_fork_headroom_bytes", "limit", "cgroup")
		return math.Abs(got-left) < 16<<20
	})
	if got := r.value("redis_fork_next_server_killed"); got != 0 {
		t.Errorf("killed in a fork with %d MiB to spare: %v", (limit-cgroup.usage(t))>>20, got)
	}

	// Hardly room for a page more: the server is stopped, so that it asks for none.
	// The limit follows the usage all the same. The kernel charges 64 pages at a time
	// for each CPU, and takes back what is left of them when another cgroup's turn on
	// that CPU comes: on a busy machine that makes room for the page tables.
	if err := syscall.Kill(server.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	r.await("a fork would be killed", func() bool {
		cgroup.limitTo(t, cgroup.usage(t)+64<<10)
		return r.value("redis_fork_next_server_killed") == 1
	})
	cgroup.limitTo(t, limit)
	if err := syscall.Kill(server.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	r.await("it would not any more", func() bool { return r.value("redis_fork_next_server_killed") == 0 })

	// What a child holds comes back: a save does not eat its own headroom.
	set(t, server, "rdb-key-save-delay", "-10")
	before := r.value("redis_fork_headroom_bytes", "limit", "cgroup")
	load := redisrun.StartLoad(t.Context(), server.Client(), redisrun.LoadOptions{Rate: 4000, Keys: 200_000, ValueSize: 400})
	defer load.Stop()
	do(t, server, "BGSAVE")
	grown := 0.
	r.await("the child holds much", func() bool {
		grown = max(grown, r.value("redis_fork_child_private_dirty_bytes"))
		return grown > 40<<20
	})
	time.Sleep(1100 * time.Millisecond) // the room is read once a second
	m := r.metrics()
	if now := valueOf(m, "redis_fork_headroom_bytes", "limit", "cgroup"); before-now > 25<<20 {
		t.Errorf("headroom fell from %v to %v while a child holds %v", before, now, valueOf(m, "redis_fork_child_private_dirty_bytes"))
	}
	if err := load.Stop(); err != nil {
		t.Error(err)
	}
	f := r.awaitForks(1)[0]
	if left, ok := f.CgroupLeftBytes.Get(); !ok || float64(left) > before-20<<20 {
		t.Errorf("at the worst moment %v were left by the record, before the fork %v", f.CgroupLeftBytes, before)
	}
	if f.ExtraSource != "cgroup" {
		t.Errorf("extra memory by %s, in a cgroup of its own", f.ExtraSource)
	}
}
