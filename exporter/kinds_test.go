package exporter

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

// slowKeys keys take half a second to save with an rdb-key-save-delay of 1000 µs.
const slowKeys = 500

func fill(t *testing.T, s *redisrun.Server, keys int) {
	t.Helper()
	if err := redisrun.Fill(t.Context(), s.Client(), keys, 100); err != nil {
		t.Fatal(err)
	}
}

func set(t *testing.T, s *redisrun.Server, key, value string) {
	t.Helper()
	if err := s.Client().ConfigSet(t.Context(), key, value).Err(); err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, s *redisrun.Server, args ...any) {
	t.Helper()
	if err := s.Client().Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
}

// field is one field of INFO.
func field(t *testing.T, s *redisrun.Server, name string) string {
	t.Helper()
	text, err := s.Client().Info(t.Context(), "everything").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// awaitInfos waits until the exporter has asked for INFO n more times.
func (r *running) awaitInfos(s *redisrun.Server, n int) {
	r.t.Helper()
	calls := func() int {
		text, _, _ := strings.Cut(strings.TrimPrefix(field(r.t, s, "cmdstat_info"), "calls="), ",")
		c, _ := strconv.Atoi(text)
		return c
	}
	start, mine := calls(), 0
	r.await("the exporter asks for INFO", func() bool {
		mine++
		return calls()-start-mine >= n
	})
}

// wantOK checks what every complete record of a clean end has.
func wantOK(t *testing.T, f fork.Record, kind fork.Kind) {
	t.Helper()
	if f.Kind != kind || f.Outcome != fork.OutcomeOK {
		t.Errorf("%s %s, want %s ok", f.Kind, f.Outcome, kind)
	}
	if f.Partial || !f.StallSeconds.Present() || !f.LifetimeSeconds.Present() || !f.ResidentBytes.Present() ||
		!f.PeakBytes.Present() || len(f.Curve) == 0 || f.ExitStatus.Or(-1) != 0 {
		t.Errorf("the record is not complete: %+v", f)
	}
	if f.PeakBytes.Or(0) == 0 || f.PeakBytes.Or(0) > 2*f.ResidentBytes.Or(0) {
		t.Errorf("peak %v of %v resident bytes", f.PeakBytes, f.ResidentBytes)
	}
}

func TestSave(t *testing.T) {
	s, r := startPair(t, redisrun.Options{})
	fill(t, s, slowKeys)
	set(t, s, "rdb-key-save-delay", "1000")
	do(t, s, "BGSAVE")
	r.awaitChild()
	r.await("the running child's own pages are read", func() bool { return r.value("redis_fork_child_private_dirty_bytes") > 0 })
	r.await("the running child's kind is known", func() bool { return r.value("redis_fork_child_running", "kind", "rdb") == 1 })
	f := r.awaitForks(1)[0]
	wantOK(t, f, fork.KindRDB)
	if got, want := int(f.StallSeconds.Or(0)*1e6+0.5), field(t, s, "latest_fork_usec"); strconv.Itoa(got) != want {
		t.Errorf("stall %d µs, the server says %s", got, want)
	}
	r.awaitAccounts(1)
	m := r.metrics()
	for _, want := range []struct {
		value  float64
		name   string
		labels []string
	}{
		{1, "redis_fork_up", nil},
		{1, "redis_fork_children_total", []string{"kind", "rdb"}},
		{0, "redis_fork_children_failed_total", []string{"kind", "rdb", "reason", "exit"}},
		{1, "redis_fork_private_dirty_peak_ratio", nil},
		{1, "redis_fork_last_success", []string{"kind", "rdb"}},
		{0, "redis_fork_child_running", []string{"kind", "rdb"}},
		{0, "redis_fork_child_private_dirty_bytes", nil},
		{0, "redis_fork_unobserved_children_total", nil},
		{0, "redis_fork_unobserved_stalls_total", nil},
	} {
		if got := valueOf(m, want.name, want.labels...); got != want.value {
			t.Errorf("%s%v = %v, want %v", want.name, want.labels, got, want.value)
		}
	}
}

func TestSavePoint(t *testing.T) {
	s, r := startPair(t, redisrun.Options{Unix: true})
	set(t, s, "rdb-key-save-delay", "1000")
	set(t, s, "save", "1 10")
	fill(t, s, slowKeys)
	wantOK(t, r.awaitForks(1)[0], fork.KindRDB)
	m := r.metrics() // asked once a minute, so it may still be absent
	if v := valueOf(m, "redis_fork_save_interval_seconds"); v != missing && v != 1 {
		t.Errorf("save interval %v, want 1", v)
	}
	if v := valueOf(m, "redis_fork_save_interval_changes"); v != missing && v != 10 {
		t.Errorf("save interval's changes %v, want 10", v)
	}
}

func TestAOFRewrite(t *testing.T) {
	s, r := startPair(t, redisrun.Options{Args: []string{"--aof-use-rdb-preamble", "no"}})
	fill(t, s, slowKeys)
	set(t, s, "rdb-key-save-delay", "1000")
	do(t, s, "BGREWRITEAOF")
	wantOK(t, r.awaitForks(1)[0], fork.KindAOF)
	r.awaitAccounts(1)
}

// startReplica makes a second server that asks the first for a full sync.
func startReplica(t *testing.T, master *redisrun.Server) *redisrun.Server {
	t.Helper()
	_, port, err := net.SplitHostPort(master.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return redistest.Start(t, redisrun.Options{Args: []string{"--replicaof", "127.0.0.1 " + port}})
}

func TestDisklessSync(t *testing.T) {
	s, r := startPair(t, redisrun.Options{Args: []string{"--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"}})
	fill(t, s, slowKeys)
	set(t, s, "rdb-key-save-delay", "1000")
	startReplica(t, s)
	wantOK(t, r.awaitForks(1)[0], fork.KindReplication)
	r.awaitAccounts(1)
}

func TestDiskBasedSync(t *testing.T) {
	s, r := startPair(t, redisrun.Options{Args: []string{"--repl-diskless-sync", "no"}})
	fill(t, s, slowKeys)
	set(t, s, "rdb-key-save-delay", "1000")
	startReplica(t, s)
	wantOK(t, r.awaitForks(1)[0], fork.KindReplication)
	r.awaitAccounts(1)
}

// A save that somebody asks for while a replica waits for the delay of its
// diskless sync is a save, and the sync after it a sync.
func TestSaveWhileAReplicaWaits(t *testing.T) {
	s, r := startPair(t, redisrun.Options{Args: []string{"--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "3"}})
	fill(t, s, slowKeys)
	set(t, s, "rdb-key-save-delay", "1000")
	startReplica(t, s)
	r.await("INFO has shown the waiting replica", func() bool {
		return strings.Contains(s.Client().Info(t.Context(), "replication").Val(), "state=wait_bgsave")
	})
	r.awaitInfos(s, 2)
	do(t, s, "BGSAVE")
	forks := r.awaitForks(2)
	wantOK(t, forks[0], fork.KindRDB)
	wantOK(t, forks[1], fork.KindReplication)
}

func TestTwoServers(t *testing.T) {
	a, b := redistest.Start(t, redisrun.Options{}), redistest.Start(t, redisrun.Options{Unix: true})
	r := startExporter(t, []string{"a=" + a.Addr(), "b=unix://" + b.Addr()})
	r.await("both are found", func() bool {
		m := r.metrics()
		return valueOf(m, "redis_fork_source_available", "source", "process", "server", "a") == 1 &&
			valueOf(m, "redis_fork_source_available", "source", "process", "server", "b") == 1
	})
	for _, s := range []*redisrun.Server{a, b} {
		fill(t, s, slowKeys)
		set(t, s, "rdb-key-save-delay", "1000")
		do(t, s, "BGSAVE")
	}
	servers := map[string]int{}
	for _, f := range r.awaitForks(2) {
		wantOK(t, f, fork.KindRDB)
		servers[f.Server] = f.ServerPID
	}
	if servers["a"] != a.PID() || servers["b"] != b.PID() {
		t.Errorf("forks of processes %v, want a: %d and b: %d", servers, a.PID(), b.PID())
	}
}
