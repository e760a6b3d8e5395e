//go:build sysctl

// The tests of this file change sysctls of the machine for some seconds. They
// are run by themselves, after all others, by make test.

package exporter

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

const (
	overcommitMode  = "/proc/sys/vm/overcommit_memory"
	overcommitRatio = "/proc/sys/vm/overcommit_ratio"
	overcommitLimit = "/proc/sys/vm/overcommit_kbytes"

	noLimit = 1 << 40 // KiB
)

// commitment is a machine in overcommit mode 2, in which the kernel refuses a
// fork whose copy might not fit, with a limit that the test sets.
type commitment struct{ t *testing.T }

// newCommitment switches to mode 2 until the test ends, with a limit that nobody
// reaches: what runs beside the test must not notice. A server has to be started
// after this: jemalloc from 5.0 on maps with MAP_NORESERVE when it starts in mode
// 0 or 1, and such memory is never accounted, in no mode.
func newCommitment(t *testing.T) commitment {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a refused fork needs root, who may change vm.overcommit_memory")
	}
	c := commitment{t}
	mode, ratio, limit := c.read(overcommitMode), c.read(overcommitRatio), c.read(overcommitLimit)
	if err := os.WriteFile(overcommitMode, []byte(mode), 0); err != nil {
		t.Skipf("a refused fork needs a machine whose vm.overcommit_memory may be changed: %v", err)
	}
	t.Cleanup(func() { // also after a Fatal or a panic of the test
		// Of ratio and limit the one written last counts, and sets the other to 0.
		last, value := overcommitLimit, limit
		if limit == "0" {
			last, value = overcommitRatio, ratio
		}
		err := errors.Join(
			os.WriteFile(overcommitMode, []byte(mode), 0),
			os.WriteFile(last, []byte(value), 0),
		)
		if err != nil {
			t.Errorf("overcommit mode %s, ratio %s, limit %s can't be restored: %v", mode, ratio, limit, err)
		}
	})
	c.setLimit(noLimit) // before the mode: without a moment under whatever the limit was
	if err := os.WriteFile(overcommitMode, []byte("2"), 0); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c commitment) read(file string) string {
	c.t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func (c commitment) setLimit(kib int) {
	c.t.Helper()
	if err := os.WriteFile(overcommitLimit, []byte(strconv.Itoa(kib)), 0); err != nil {
		c.t.Fatal(err)
	}
}

// meminfo is a line of /proc/meminfo, in KiB.
func (c commitment) meminfo(name string) int {
	c.t.Helper()
	for line := range strings.Lines(c.read("/proc/meminfo")) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				c.t.Fatal(err)
			}
			return n
		}
	}
	c.t.Fatalf("no %s in /proc/meminfo", name)
	return 0
}

// room is what others may still take while the server is refused a copy, in KiB.
// The kernel's own sum is up to 1/256 of the memory off in mode 2.
func (c commitment) room() int { return c.meminfo("MemTotal")/256 + 64<<10 }

// tighten leaves room, and relax lifts the limit again.
func (c commitment) tighten() { c.t.Helper(); c.setLimit(c.meminfo("Committed_AS") + c.room()) }
func (c commitment) relax()   { c.t.Helper(); c.setLimit(noLimit) }

// tooBig fills a server with twice the room, so that its copy does not fit.
func (c commitment) tooBig(s *redisrun.Server) {
	c.t.Helper()
	const valueSize = 16 << 10
	kib := 2*c.room() + 64<<10
	if have := c.meminfo("MemAvailable"); kib > have/2 {
		c.t.Skipf("a refused fork needs a dataset of %d MiB, and half of the %d MiB that are available is less", kib>>10, have>>10)
	}
	set(c.t, s, "rdbcompression", "no")
	if err := redisrun.Fill(c.t.Context(), s.Client(), kib<<10/valueSize, valueSize); err != nil {
		c.t.Fatal(err)
	}
}

// wantRefused checks that nothing but the refusals is counted.
func (r *running) wantRefused(rdb, aof float64) {
	r.t.Helper()
	r.await(fmt.Sprintf("%v refused saves and %v refused rewrites are counted", rdb, aof), func() bool {
		m := r.metrics()
		return valueOf(m, "redis_fork_refused_total", "kind", "rdb") == rdb && valueOf(m, "redis_fork_refused_total", "kind", "aof") == aof
	})
	m := r.metrics()
	for _, kind := range []string{"rdb", "aof"} {
		if v := valueOf(m, "redis_fork_children_total", "kind", kind); v != 0 {
			r.t.Errorf("children_total{kind=%s} = %v, want 0", kind, v)
		}
	}
	for _, name := range []string{"redis_fork_unobserved_children_total", "redis_fork_unobserved_stalls_total"} {
		if v := valueOf(m, name); v != 0 {
			r.t.Errorf("%s = %v, want 0", name, v)
		}
	}
	if v := valueOf(m, "redis_fork_stall_seconds"); v != 0 {
		r.t.Errorf("%v stalls observed, want 0", v)
	}
	if forks := r.forks(); len(forks) != 0 {
		r.t.Errorf("records of forks that never were: %+v", forks)
	}
}

func TestSysctlRefusedFork(t *testing.T) {
	c := newCommitment(t)
	s, r := startPair(t, redisrun.Options{})
	c.tooBig(s)
	r.awaitInfos(s, 2)

	c.tighten()
	save := s.Client().BgSave(t.Context()).Err()
	c.relax()
	if save == nil {
		t.Fatal("the kernel has not refused the fork")
	}
	if !strings.Contains(s.Log(), "fork: Cannot allocate memory") {
		t.Errorf("BGSAVE failed with %v, but not for lack of memory", save)
	}
	r.wantRefused(1, 0)
	if v := r.value("redis_fork_reported_last_save_success", "kind", "rdb"); v != 0 {
		t.Errorf("reported_last_save_success = %v, want 0", v)
	}

	c.tighten()
	rewrite := s.Client().BgRewriteAOF(t.Context()).Err()
	c.relax()
	if rewrite == nil {
		t.Fatal("the kernel has not refused the fork")
	}
	r.wantRefused(1, 1)

	if r.value("redis_fork_host_info", "overcommit_memory", "2") == missing && r.value("redis_fork_host_info") != missing { // read every 10 s
		t.Error("host_info does not say that the overcommit mode is 2")
	}
	do(t, s, "BGSAVE")
	wantOK(t, r.awaitForks(1)[0], fork.KindRDB)
	r.awaitAccounts(1)
	if v := r.value("redis_fork_refused_total", "kind", "rdb"); v != 1 {
		t.Errorf("refused_total = %v after a save that worked, want 1", v)
	}
}

// A save point tries again more than 5 s after a refused fork: each try counts.
func TestSysctlRefusedSavePoint(t *testing.T) {
	c := newCommitment(t)
	s, r := startPair(t, redisrun.Options{})
	if field(t, s, "rdb_saves") == "" {
		t.Skip("servers before 7.0 don't count their attempts")
	}
	c.tooBig(s)
	r.awaitInfos(s, 2)

	c.tighten()
	set(t, s, "save", "1 1")
	attempts := func(n string) func() bool { return func() bool { return field(t, s, "rdb_saves") == n } }
	r.await("the save point tries", attempts("1"))
	c.relax()
	tried := time.Now()
	r.wantRefused(1, 0)
	// The limit is tight only while it has to be: it is everybody's.
	r.await("the next try is near", func() bool { return time.Since(tried) > 4*time.Second })
	c.tighten()
	r.await("it tries again", attempts("2"))
	c.relax()
	r.wantRefused(2, 0)

	wantOK(t, r.awaitForks(1)[0], fork.KindRDB) // the third try
	r.awaitAccounts(1)
}
