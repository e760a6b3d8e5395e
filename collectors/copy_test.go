package collectors

import (
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/storetest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

func TestCopy(t *testing.T) {
	s := busy("s", fork.KindRDB)
	s.Up = false // counters stay
	seriesOf(t, s).want(t, map[string]string{
		`copied_bytes_total`:               "9.437184e+08",
		`copy_stall_seconds_total`:         "0.75",
		`write_faults_total{phase="copy"}`: "231000",
		`write_faults_total{phase="tail"}`: "190000",
	})
	seriesOf(t, idle("s")).want(t, map[string]string{
		`copied_bytes_total`:               "0",
		`copy_stall_seconds_total`:         "0",
		`write_faults_total{phase="copy"}`: "0",
		`write_faults_total{phase="tail"}`: "0",
	})
}

// Where nobody counts, 0 would say that forks copy nothing.
func TestCopyIsCounted(t *testing.T) {
	const process, smaps, cgroup, taskstats = fork.SourceProcess, fork.SourceChildSmaps, fork.SourceCgroup, fork.SourceTaskstats
	for _, c := range []struct {
		name    string
		sources []fork.Source // that work
		reads   uint64        // of the counters so far
		stalled float64       // seconds so far

		copied, stall string
	}{
		{"no process", nil, 0, 0, "", ""},
		{"process only: sampling may be off", []fork.Source{process}, 0, 0, "", ""},
		{"accounting works without sampling", []fork.Source{process, taskstats}, 0, 0, "", ""},
		{"smaps", []fork.Source{process, smaps}, 0, 0, "0", ""},
		{"cgroup", []fork.Source{process, cgroup}, 0, 0, "0", ""},
		{"smaps and accounting", []fork.Source{process, smaps, taskstats}, 0, 0, "0", "0"},
		{"process only, after a fork", []fork.Source{process}, 1, 0, "0", ""},
		{"accounting only, after a fork", []fork.Source{process, taskstats}, 1, 0, "0", "0"},
		{"process gone after a fork", nil, 1, .5, "0", "0.5"},
		{"server restarted without accounting", []fork.Source{process, smaps}, 1, .5, "0", "0.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := idle("s")
			clear(s.Available)
			for _, source := range c.sources {
				s.Available[source] = true
			}
			s.Totals.Reads[fork.SourceCounters] = c.reads
			s.Totals.CopyStallSeconds = c.stalled
			seriesOf(t, s).want(t, map[string]string{
				`copied_bytes_total`:               c.copied,
				`copy_stall_seconds_total`:         c.stall,
				`write_faults_total{phase="copy"}`: c.copied,
				`write_faults_total{phase="tail"}`: c.copied,
			})
		})
	}
}

// A child may be too short for a reading of its own: its tail is one of the server.
func TestCopyIsCountedAfterShortForks(t *testing.T) {
	s := idle("s")
	clear(s.Available)
	s.Available[fork.SourceProcess] = true
	s.Totals.TailFaults = 7
	seriesOf(t, s).want(t, map[string]string{
		`copied_bytes_total`:               "0",
		`copy_stall_seconds_total`:         "",
		`write_faults_total{phase="tail"}`: "7",
	})
}

// TestCopyFromStore follows one fork through the real store.
func TestCopyFromStore(t *testing.T) {
	store := history.New()
	srv := storetest.Add(store, "s")
	srv.Process(4711, opt.Of(serverStart))
	srv.Source(fork.SourceTaskstats, true)
	now := func() series { return seriesOf(t, store.Snapshot().Servers...) }
	now().want(t, map[string]string{`copied_bytes_total`: "0", `copy_stall_seconds_total`: "0"})

	id := srv.Born(1, fork.KindRDB)
	for n := range 3 {
		srv.Copies(id, fork.Copies{
			Time:   time.Now().Add(time.Duration(n) * time.Second),
			Bytes:  opt.Of(uint64(n) * 4096),
			Source: fork.SourceTaskstats,
			Stall:  opt.Of(float64(n) / 4),
			Faults: opt.Of(uint64(n)),
		})
	}
	now().want(t, map[string]string{ // the child lives
		`copied_bytes_total`:                  "8192",
		`copy_stall_seconds_total`:            "0.5",
		`write_faults_total{phase="copy"}`:    "2",
		`last_copied_bytes{kind="rdb"}`:       "",
		`last_copy_stall_seconds{kind="rdb"}`: "",
	})
	srv.Died(id, time.Now().Add(3*time.Second))
	srv.End(id, fork.OutcomeOK)
	srv.Happen(track.TailFaults{N: 7})
	now().want(t, map[string]string{ // the tail goes on
		`copied_bytes_total`:                  "8192",
		`write_faults_total{phase="copy"}`:    "2",
		`write_faults_total{phase="tail"}`:    "7",
		`last_copied_bytes{kind="rdb"}`:       "8192",
		`last_copy_stall_seconds{kind="rdb"}`: "0.5",
		`last_tail_seconds{kind="rdb"}`:       "",
	})
	srv.Happen(track.Tailed{ID: id, Tail: fork.Tail{Seconds: 4, Faults: 7}})
	now().want(t, map[string]string{`last_tail_seconds{kind="rdb"}`: "4"})
}

// Without delay accounting there is an estimate; with it the estimate is not added up.
func TestEstimatedCopyStall(t *testing.T) {
	for name, c := range map[string]struct {
		measured opt.Val[float64]
		want     string
	}{
		"estimated": {opt.Val[float64]{}, "0.5"},
		"measured":  {opt.Of(0.4), ""},
	} {
		t.Run(name, func(t *testing.T) {
			store := history.New()
			srv := storetest.Add(store, "s")
			id := srv.Born(1, fork.KindRDB)
			srv.Copies(id, fork.Copies{Time: time.Now().Add(time.Second), Stall: c.measured})
			now := func() series { return seriesOf(t, store.Snapshot().Servers...) }
			now().want(t, map[string]string{`estimated_copy_stall_seconds_total`: ""}) // perhaps there never is one
			if c.want != "" {
				srv.Happen(track.EstimateExpected{})
				now().want(t, map[string]string{`estimated_copy_stall_seconds_total`: "0"})
			}
			for range 2 { // counted once
				srv.Happen(track.Estimated{ID: id, Seconds: 0.5})
			}
			f := srv.End(id, fork.OutcomeOK)
			if f.EstimatedCopyStallSeconds != opt.Of(0.5) {
				t.Errorf("the record says %v", f.EstimatedCopyStallSeconds)
			}
			now().want(t, map[string]string{`estimated_copy_stall_seconds_total`: c.want})
		})
	}
	s := idle("s") // taskstats works
	seriesOf(t, s).none(t, "estimated_copy_stall_seconds_total")
}
