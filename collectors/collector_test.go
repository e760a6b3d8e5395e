package collectors

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	promtest "github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/golden"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/storetest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// down is a busy server that stopped answering in the middle of its save.
func down(name string) track.State {
	s := busy(name, fourKinds...)
	s.Up, s.Problem = false, "no answer within 1s: is the server blocked?"
	return s
}

// noProcess is a server on another machine, in the middle of a save: nothing but
// INFO is known of it.
func noProcess(name string) track.State {
	s := busy(name)
	s.Addr = "192.0.2.1:6379"
	clear(s.Available)
	s.PID, s.StartTime = opt.Val[int]{}, opt.Val[time.Time]{}
	s.ResidentBytes, s.PageTableBytes = opt.Val[uint64]{}, opt.Val[uint64]{}
	s.AnonymousBytes, s.HugeBytes = opt.Val[uint64]{}, opt.Val[uint64]{}
	s.Limits, s.Recent = limits.Limits{}, nil
	s.Children, s.COW, s.COWAt = nil, opt.Val[fork.Reported]{}, time.Time{}
	s.Totals = totals()
	s.Totals.Stall.Observe(.0125)
	s.Totals.UnobservedChild = 1
	return s
}

func dragonfly(name string) track.State {
	s := idle(name)
	s.Info = &redisinfo.Info{
		Software:             redisinfo.SoftwareDragonfly,
		Version:              "1.25.1",
		Mode:                 "standalone",
		Role:                 "master",
		UptimeSeconds:        opt.Of[int64](36_000),
		ChangesSinceLastSave: opt.Of[uint64](42),
	}
	s.SavePoint = opt.Val[redisinfo.SavePoint]{}
	return s
}

// scenarios are the golden files' snapshots.
func scenarios() map[string]history.Snapshot {
	servers := func(s ...track.State) history.Snapshot {
		return history.Snapshot{Servers: s, Host: fullHost()}
	}
	return map[string]history.Snapshot{
		"saving":      servers(busy("cache", fourKinds...)),
		"idle":        servers(idle("cache")),
		"down":        servers(down("cache")),
		"two_servers": servers(busy("cache", fork.KindRDB), idle("sessions")),
		"no_process":  servers(noProcess("elsewhere")),
		"dragonfly":   servers(dragonfly("wings")),
	}
}

func TestExposition(t *testing.T) {
	for name, snapshot := range scenarios() {
		t.Run(name, func(t *testing.T) {
			golden.Check(t, name+".prom", exposition(t, snapshot))
		})
	}
}

func TestGoldenFilesPassPromtool(t *testing.T) {
	promtool := testutil.Program(t, "promtool", "prometheus")
	for name := range scenarios() {
		t.Run(name, func(t *testing.T) {
			in, err := os.Open(filepath.Join("testdata", name+".prom"))
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
			cmd.Stdin = in
			out, err := cmd.CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("promtool check metrics: %v\n%s", err, out)
			}
		})
	}
}

func TestLint(t *testing.T) {
	for name, snapshot := range scenarios() {
		problems, err := promtest.GatherAndLint(registry(t, snapshot))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s: %s", name, p.Metric, p.Text)
		}
	}
}

// TestSeriesPerServer holds the number of series of a server with the three
// kinds of forks that every server has, and everything known, to the promise.
func TestSeriesPerServer(t *testing.T) {
	count := func(kinds ...fork.Kind) int { return len(seriesOf(t, busy("s", kinds...))) }
	three, four, all := count(threeKinds...), count(fourKinds...), count(fork.Kinds[:]...)
	fresh := len(seriesOf(t, idle("s")))
	t.Logf("series per server: %d fresh, %d with kinds %v, %d with %d kinds, %d with all %d",
		fresh, three, threeKinds, four, len(fourKinds), all, len(fork.Kinds))
	if three > MaxSeries {
		t.Errorf("%d series with kinds %v, promised are at most %d", three, threeKinds, MaxSeries)
	}
	if further := len(fork.Kinds) - len(threeKinds); four != three+SeriesPerKind || all != three+further*SeriesPerKind {
		t.Errorf("a fourth kind adds %d series, %d further kinds %d; documented are %d each", four-three, further, all-three, SeriesPerKind)
	}
	if two := len(seriesOf(t, busy("s", fourKinds...), busy("z", fourKinds...))); two != 2*four {
		t.Errorf("two servers have %d series, one has %d", two, four)
	}
}

// TestEveryMetricAppears makes sure that declarations and expositions are the
// same metrics, with the same types.
func TestEveryMetricAppears(t *testing.T) {
	families, err := registry(t, scenarios()["saving"]).Gather()
	if err != nil {
		t.Fatal(err)
	}
	// The estimate is there for servers without delay accounting only.
	estimating := busy("s", fork.KindRDB)
	estimating.Available[fork.SourceTaskstats] = false
	estimating.Totals.EstimatedCopyStallSeconds = opt.Of(0.5)
	others, err := registry(t, history.Snapshot{Servers: []track.State{estimating}}).Gather()
	if err != nil {
		t.Fatal(err)
	}
	families = append(families, others...)
	exposed := map[string]string{}
	for _, f := range families {
		exposed[f.GetName()] = strings.ToLower(f.GetType().String())
		for _, m := range f.GetMetric() {
			perServer := false
			for _, l := range m.GetLabel() {
				perServer = perServer || l.GetName() == labelServer
			}
			if perServer == strings.HasPrefix(f.GetName(), "redis_fork_host_") {
				t.Errorf("%s: label server is %t", f.GetName(), perServer)
			}
		}
	}
	declared := map[string]string{}
	for _, m := range All() {
		if _, twice := declared[m.Name]; twice {
			t.Errorf("%s is declared twice", m.Name)
		}
		declared[m.Name] = string(m.Type)
		if m.Help == "" || m.Needs == "" || m.Group == "" || m.Stability == "" {
			t.Errorf("%s: the declaration is incomplete: %+v", m.Name, m)
		}
	}
	for _, m := range Curves() {
		delete(declared, m.Name) // exporter/curve's own tests look at these
	}
	if diff := cmp.Diff(declared, exposed); diff != "" {
		t.Errorf("-declared +exposed:\n%s", diff)
	}
}

func TestOneSnapshotPerScrape(t *testing.T) {
	var calls atomic.Int32
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(New(func() history.Snapshot {
		calls.Add(1)
		return scenarios()["two_servers"]
	}))
	calls.Store(0)
	if _, err := reg.Gather(); err != nil {
		t.Fatal(err)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("a scrape took %d snapshots, want 1", n)
	}
}

// TestStore drives the collector from the real store: what a fresh server has
// must be exportable, and every counter must exist at 0 before its first event.
func TestStore(t *testing.T) {
	store := history.New()
	srv := storetest.Add(store, "s")
	srv.Happen(track.Found{PID: 4711, Start: opt.Of(serverStart)})
	srv.Happen(track.Searched{})
	got := seriesOf(t, store.Snapshot().Servers...)
	got.want(t, map[string]string{
		`up`:                             "0",
		`stall_seconds_count`:            "0",
		`stall_seconds_bucket{le="0.5"}`: "0",
		`private_dirty_peak_ratio_bucket{le="1"}`:                        "0",
		`children_total{kind="rdb"}`:                                     "0",
		`children_failed_total{kind="replication",reason="server_died"}`: "0",
		`children_total{kind="module"}`:                                  "",
		`refused_total{kind="aof"}`:                                      "0",
		`unobserved_children_total`:                                      "0",
		`source_available{source="taskstats"}`:                           "0",
		`source_available{source="cgroup"}`:                              "0",
		`exporter_reads_total{source="counters"}`:                        "0",
		`exporter_reads_deferred_total`:                                  "0",
		`exporter_reads_deferred_total{source="counters"}`:               "",
	})

	srv.Up(redisinfo.Info{TotalForks: opt.Of(uint64(0))})
	id := srv.Born(1, fork.KindModule)
	srv.Up(redisinfo.Info{TotalForks: opt.Of(uint64(1)), LatestFork: opt.Of(500 * time.Millisecond)})
	seriesOf(t, store.Snapshot().Servers...).want(t, map[string]string{
		`children_total{kind="module"}`: "0",
		`child_running{kind="module"}`:  "1",
		`last_success{kind="module"}`:   "",
	})
	born := srv.Forks()[0].Start
	srv.Died(id, born.Add(2*time.Second))
	srv.End(id, fork.OutcomeKilled)
	seriesOf(t, store.Snapshot().Servers...).want(t, map[string]string{
		`children_total{kind="module"}`:                        "1",
		`children_failed_total{kind="module",reason="signal"}`: "1",
		`child_running{kind="module"}`:                         "0",
		`last_success{kind="module"}`:                          "0",
		`last_lifetime_seconds{kind="module"}`:                 "2",
		`stall_seconds_bucket{le="0.25"}`:                      "0",
		`stall_seconds_bucket{le="0.5"}`:                       "1",
	})
}

// TestUselessState must not panic, whatever is missing.
func TestUselessState(t *testing.T) {
	for name, s := range map[string]track.State{
		"zero":             {Name: "s"},
		"up without INFO":  {Name: "s", Up: true},
		"child of no time": {Name: "s", Children: []track.Child{{}}, COW: opt.Of(fork.Reported{}), Up: true},
	} {
		t.Run(name, func(t *testing.T) {
			seriesOf(t, s).none(t, "server_info", "child_private_dirty_bytes", "stall_resident_bytes_total", "reported_cow_timestamp_seconds",
				"copied_bytes_total", "copy_stall_seconds_total", "write_faults_total")
		})
	}
}
