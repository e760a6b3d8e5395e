package collectors

import (
	"slices"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

func TestNoChild(t *testing.T) {
	got := seriesOf(t, idle("s"))
	got.want(t, map[string]string{
		`child_running{kind="rdb"}`:         "0",
		`child_running{kind="aof"}`:         "0",
		`child_running{kind="replication"}`: "0",
		`child_running{kind="unknown"}`:     "",
		`child_seconds_total{kind="rdb"}`:   "0",
		`child_private_dirty_bytes`:         "0",
		`child_swap_bytes`:                  "0",
		`child_anonymous_huge_bytes`:        "0",
	})
	got.none(t, "child_start_timestamp_seconds", "child_sample_timestamp_seconds", "child_progress_ratio")
}

func TestChild(t *testing.T) {
	s := busy("s", fork.KindRDB)
	want := map[string]string{
		`child_running{kind="rdb"}`:       "1",
		`child_running{kind="aof"}`:       "0",
		`child_start_timestamp_seconds`:   "1.79003599625e+09",
		`child_private_dirty_bytes`:       "3.145728e+08",
		`child_swap_bytes`:                "4096",
		`child_anonymous_huge_bytes`:      "2.097152e+06",
		`child_sample_timestamp_seconds`:  "1.7900360001e+09",
		`child_progress_ratio`:            "0.25",
		`child_seconds_total{kind="rdb"}`: "7.5",
	}
	seriesOf(t, s).want(t, want)

	s.Up = false // the process is still there to see
	want[`child_progress_ratio`] = ""
	seriesOf(t, s).want(t, want)
}

func TestTwoChildren(t *testing.T) {
	s := busy("s", fork.KindRDB)
	second := track.Child{Kind: fork.KindUnknown, Start: now.Add(-time.Second)}
	s.Seen[fork.KindUnknown] = true
	s.Children = append(s.Children, second)
	got := seriesOf(t, s)
	got.want(t, map[string]string{
		`child_running{kind="rdb"}`:     "1",
		`child_running{kind="unknown"}`: "1",
		`child_start_timestamp_seconds`: "1.79003599625e+09",
	})
	// Without the second's share the sum would be too small.
	got.none(t, "child_private_dirty_bytes", "child_swap_bytes", "child_anonymous_huge_bytes", "child_sample_timestamp_seconds")

	// Whatever their order, the older birth and the older sample count.
	s.Children[1].Sample = opt.Of(fork.Sample{Time: now, PrivateDirty: 1 * mib, Swap: opt.Of(uint64(4096)), AnonymousHuge: opt.Of(uint64(0))})
	for range 2 {
		slices.Reverse(s.Children)
		seriesOf(t, s).want(t, map[string]string{
			`child_start_timestamp_seconds`:  "1.79003599625e+09",
			`child_private_dirty_bytes`:      "3.15621376e+08",
			`child_swap_bytes`:               "8192",
			`child_sample_timestamp_seconds`: "1.7900360001e+09",
		})
	}
}

// What a sample does not tell is not 0.
func TestChildBeforeTheFirstExactSample(t *testing.T) {
	s := busy("s", fork.KindRDB)
	s.Children[0].Sample = opt.Of(fork.Sample{Time: s.Children[0].Start, PrivateDirty: mib, Source: fork.SourceCounters})
	got := seriesOf(t, s)
	got.want(t, map[string]string{`child_private_dirty_bytes`: "1.048576e+06"})
	got.none(t, "child_swap_bytes", "child_anonymous_huge_bytes")
}

func TestChildWithoutSmaps(t *testing.T) {
	for name, s := range map[string]track.State{"child": busy("s", fork.KindRDB), "no child": idle("s")} {
		t.Run(name, func(t *testing.T) {
			s.Available[fork.SourceChildSmaps], s.Available[fork.SourceCgroup] = false, false
			seriesOf(t, s).none(t, "child_private_dirty_bytes", "child_swap_bytes",
				"child_anonymous_huge_bytes", "child_sample_timestamp_seconds")
		})
	}
}

// The cgroup tells what the child holds, but nothing of huge pages.
func TestChildByCgroup(t *testing.T) {
	for name, c := range map[string]struct {
		state                       track.State
		privateDirty, swap, sampled string
	}{
		"child":    {busy("s", fork.KindRDB), "3.145728e+08", "4096", "1.7900360001e+09"},
		"no child": {idle("s"), "0", "0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.state.Available[fork.SourceChildSmaps] = false
			seriesOf(t, c.state).want(t, map[string]string{
				`child_private_dirty_bytes`:      c.privateDirty,
				`child_sample_timestamp_seconds`: c.sampled,
				`child_swap_bytes`:               c.swap,
				`child_anonymous_huge_bytes`:     "",
			})
		})
	}
}

// Without a process nobody looks for children: "none seen" is not "none there".
func TestChildRunningNeedsAProcess(t *testing.T) {
	seriesOf(t, noProcess("s")).none(t, "child_running", "child_start_timestamp_seconds")
}

func TestProgress(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*track.State)
		want   string
	}{
		{"half-way", func(s *track.State) { s.Info.SaveKeysProcessed = opt.Of[uint64](500_000) }, "0.5"},
		{"more keys than at the fork", func(s *track.State) { s.Info.SaveKeysProcessed = opt.Of[uint64](1_000_001) }, "1"},
		{"nothing to write", func(s *track.State) { s.Info.SaveKeysTotal = opt.Of[uint64](0) }, ""},
		{"total not sent", func(s *track.State) { s.Info.SaveKeysTotal = opt.Val[uint64]{} }, ""},
		{"processed not sent", func(s *track.State) { s.Info.SaveKeysProcessed = opt.Val[uint64]{} }, ""},
		{"no child", func(s *track.State) { s.Children = nil }, ""},
		{"a module's child", func(s *track.State) { s.Children[0].Kind = fork.KindModule }, ""},
		{"a slot's migration", func(s *track.State) { s.Children[0].Kind = fork.KindSlotMigration }, ""},
		{"a rewrite", func(s *track.State) { s.Children[0].Kind = fork.KindAOF }, "0.25"},
		{"INFO older than the child", func(s *track.State) { s.InfoAt = s.Children[0].Start.Add(-1) }, ""},
		{"down", func(s *track.State) { s.Up = false }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := busy("s", fork.KindRDB)
			c.change(&s)
			seriesOf(t, s).want(t, map[string]string{`child_progress_ratio`: c.want})
		})
	}
}

func TestProgressWithoutProcess(t *testing.T) {
	s := noProcess("s")
	seriesOf(t, s).want(t, map[string]string{`child_progress_ratio`: "0.25"})
	s.Info.BGSaveInProgress = opt.Of(false)
	seriesOf(t, s).want(t, map[string]string{`child_progress_ratio`: ""})
}
