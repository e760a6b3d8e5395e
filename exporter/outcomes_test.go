package exporter

import (
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

// wantOutcome checks a record that did not end well, and that its failure is
// counted once, under its reason; an empty reason is no failure.
func (r *running) wantOutcome(f fork.Record, kind fork.Kind, outcome fork.Outcome, reason fork.Reason) {
	r.t.Helper()
	if f.Kind != kind || f.Outcome != outcome {
		r.t.Errorf("%s %s, want %s %s: %+v", f.Kind, f.Outcome, kind, outcome, f)
	}
	m := r.metrics()
	for _, other := range fork.Reasons {
		want := 0.0
		if other == reason {
			want = 1
		}
		if got := valueOf(m, "redis_fork_children_failed_total", "kind", string(kind), "reason", string(other)); got != want {
			r.t.Errorf("failed{kind=%s,reason=%s} = %v, want %v", kind, other, got, want)
		}
	}
	want := 0.0
	if outcome == fork.OutcomeCancelled {
		want = 1
	}
	if got := valueOf(m, "redis_fork_children_cancelled_total", "kind", string(kind)); got != want {
		r.t.Errorf("cancelled{kind=%s} = %v, want %v", kind, got, want)
	}
}

func startSlowSave(t *testing.T, s *redisrun.Server, r *running) (child int) {
	t.Helper()
	fill(t, s, 100*slowKeys)
	set(t, s, "rdb-key-save-delay", "1000")
	do(t, s, "BGSAVE")
	return r.awaitChild()
}

func TestKilledChild(t *testing.T) {
	s, r := startPair(t, redisrun.Options{})
	child := startSlowSave(t, s, r)
	// It has a peak as soon as something of it was read: killed at once it may have none.
	r.await("the child's memory is known", func() bool { return r.value("redis_fork_child_private_dirty_bytes") > 0 })
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f := r.awaitForks(1)[0]
	r.wantOutcome(f, fork.KindRDB, fork.OutcomeKilled, fork.ReasonSignal)
	if f.Signal.Or("") != "SIGKILL" || f.PeakBytes.Or(0) == 0 || len(f.Curve) == 0 || f.ReportedCOWBytes.Present() {
		t.Errorf("record %+v", f)
	}
	r.awaitAccounts(1)
	if v := r.value("redis_fork_last_success", "kind", "rdb"); v != 0 {
		t.Errorf("last_success = %v, want 0", v)
	}
}

func TestFlushAllCancels(t *testing.T) {
	s, r := startPair(t, redisrun.Options{Args: []string{"--save", "3600 1000000"}})
	startSlowSave(t, s, r)
	set(t, s, "rdb-key-save-delay", "0")
	do(t, s, "FLUSHALL")
	forks := r.forks()
	r.await("the cancelled fork is closed", func() bool { forks = r.forks(); return len(forks) > 0 })
	r.wantOutcome(forks[0], fork.KindRDB, fork.OutcomeCancelled, "")
}

func TestReplicaThatLeavesCancels(t *testing.T) {
	s, r := startPair(t, redisrun.Options{Args: []string{"--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"}})
	fill(t, s, 100*slowKeys)
	set(t, s, "rdb-key-save-delay", "1000")
	replica := startReplica(t, s)
	r.awaitChild()
	replica.Kill()
	r.wantOutcome(r.awaitForks(1)[0], fork.KindReplication, fork.OutcomeCancelled, "")
}

func TestShutdownCancels(t *testing.T) {
	s, r := startPair(t, redisrun.Options{})
	startSlowSave(t, s, r)
	_ = s.Client().ShutdownNoSave(t.Context()).Err() // always an error: the connection is cut
	r.wantOutcome(r.awaitForks(1)[0], fork.KindRDB, fork.OutcomeCancelled, "")
	r.await("the server is down", func() bool { return r.value("redis_fork_up") == 0 })
}

// awaitFailingSave saves until one save's child has been followed. One that fails
// at once may be gone before the next look, and is then counted as unobserved.
func (r *running) awaitFailingSave(s *redisrun.Server) fork.Record {
	r.t.Helper()
	for tries := 1.0; ; tries++ {
		do(r.t, s, "BGSAVE")
		r.awaitAccounts(tries)
		if forks := r.forks(); len(forks) > 0 {
			return forks[0]
		}
		if tries == 20 {
			r.t.Fatal("twenty children in a row were not seen")
		}
	}
}

func TestDirectoryIsGone(t *testing.T) {
	s, r := startPair(t, redisrun.Options{Args: []string{"--enable-protected-configs", "yes"}})
	fill(t, s, slowKeys)
	set(t, s, "rdb-key-save-delay", "1000")
	dir := filepath.Join(s.Dir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	set(t, s, "dir", dir)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	f := r.awaitFailingSave(s)
	r.wantOutcome(f, fork.KindRDB, fork.OutcomeFailed, fork.ReasonExit)
	if f.ExitStatus.Or(0) != 1 {
		t.Errorf("exit status %v, want 1", f.ExitStatus)
	}
	if v := r.value("redis_fork_reported_last_save_success", "kind", "rdb"); v != 0 {
		t.Errorf("reported_last_save_success = %v, want 0", v)
	}
}

func TestDiskIsFull(t *testing.T) {
	s, r := startPair(t, redisrun.Options{Args: []string{"--enable-protected-configs", "yes"}})
	fill(t, s, 20*slowKeys)
	dir := filepath.Join(s.Dir(), "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("a full disk needs the right to mount a small one: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	set(t, s, "dir", dir)
	r.wantOutcome(r.awaitFailingSave(s), fork.KindRDB, fork.OutcomeFailed, fork.ReasonExit)
}

// The server is killed in the middle of a save and comes back under a new pid.
func TestServerDiesAndComesBack(t *testing.T) {
	dir := t.TempDir()
	s, r := startPair(t, redisrun.Options{Dir: dir})
	startSlowSave(t, s, r)
	s.Kill()
	f := r.awaitForks(1)[0]
	r.wantOutcome(f, fork.KindRDB, fork.OutcomeServerDied, fork.ReasonServerDied)
	r.await("the server is down", func() bool {
		m := r.metrics()
		return valueOf(m, "redis_fork_up") == 0 && valueOf(m, "redis_fork_source_available", "source", "process") == 0
	})
	again := restart(t, s, dir)
	r.await("the new process is found", func() bool {
		m := r.metrics()
		return valueOf(m, "redis_fork_up") == 1 && valueOf(m, "redis_fork_source_available", "source", "process") == 1
	})
	fill(t, again, slowKeys)
	set(t, again, "rdb-key-save-delay", "100") // the child may not be gone before the next look
	do(t, again, "BGSAVE")
	f = r.awaitForks(2)[1]
	if f.ServerPID != again.PID() || f.Outcome != fork.OutcomeOK {
		t.Errorf("the fork after the restart: %+v", f)
	}
	r.awaitAccounts(2)
}

// The kernel kills the child when the server's memory cgroup is full, if the
// server has told it to prefer the child.
func TestOOMKilledChild(t *testing.T) {
	cgroup := newMemoryCgroup(t)
	s, r := startPair(t, redisrun.Options{Args: []string{"--oom-score-adj", "yes"}})
	const keys = 400_000
	fill(t, s, keys)
	cgroup.add(t, s.PID())
	set(t, s, "rdb-key-save-delay", "1000")
	do(t, s, "BGSAVE")
	r.awaitChild()
	const room = 32 << 20
	cgroup.limitTo(t, cgroup.usage(t)+room)
	load := redisrun.StartLoad(t.Context(), s.Client(), redisrun.LoadOptions{Rate: 10_000, Keys: keys, ValueSize: 100})
	defer load.Stop()
	forks := r.awaitForks(1)
	r.wantOutcome(forks[0], fork.KindRDB, fork.OutcomeOOM, fork.ReasonOOM)
	// What filled the room was copies, and the curve follows them nearly to the end.
	if peak := forks[0].PeakBytes.Or(0); peak < room/2 {
		t.Errorf("the curve of a killed child ends at %.1f MB, the room was %.1f MB: %+v", float64(peak)/1e6, room/1e6, forks[0])
	}
}

// restart starts a server again at the address of one that has been killed.
func restart(t *testing.T, s *redisrun.Server, dir string) *redisrun.Server {
	t.Helper()
	addr := netip.MustParseAddrPort(s.Addr())
	return redistest.Start(t, redisrun.Options{Dir: dir, Port: int(addr.Port())})
}
