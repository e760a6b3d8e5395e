package measure

import (
	"strings"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/forktest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/golden"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words/wordstest"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestReport(t *testing.T) {
	saved := forktest.Saved(now)
	saved.Changes = opt.Of(243_911.5)
	saved.CgroupLeftBytes, saved.HostLeftBytes = opt.Of(uint64(412_000_000)), opt.Of(uint64(20_110_000_000))
	for name, f := range map[string]fork.Record{
		"saved": saved, "running": forktest.Running(now), "killed": forktest.Killed(now), "partial": forktest.Partial(now),
		"cancelled": forktest.Cancelled(now),
		"nothing":   {ID: "1-2", Server: "s", Kind: fork.KindUnknown, Outcome: fork.OutcomeUnknown, Start: now.Add(-time.Hour)},
	} {
		t.Run(name, func(t *testing.T) { golden.Check(t, name+".txt", Report(f, now, 80, false)) })
	}
	golden.Check(t, "saved-wide.txt", Report(saved, now, 120, false))
}

// How many keys were changed is known also where the child's memory can't be read,
// and so there is no curve.
func TestPerKey(t *testing.T) {
	curve := []fork.ExtraPoint{{Seconds: 1, Changes: 100}, {Seconds: 2, Changes: 200}}
	for name, test := range map[string]struct {
		f           fork.Record
		value, note string
	}{
		"without a curve": {fork.Record{Changes: opt.Of(250.)}, "4.00 kB", "250 keys were changed"},
		"with a curve":    {fork.Record{Changes: opt.Of(250.), ExtraCurve: curve}, "4.00 kB", "250 keys were changed"},
		"of an old file":  {fork.Record{ExtraCurve: curve}, "5.00 kB", "200 keys were changed"},
		"not told":        {fork.Record{}, words.NotKnown, "has not told"},
	} {
		test.f.CopiedBytes = opt.Of(uint64(1_000_000))
		if got := perKeyRow(&test.f); got.Value != test.value || !strings.Contains(got.Note, test.note) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Whatever is in a record, a report of it is no wider than the terminal.
func TestReportFits(t *testing.T) {
	for _, f := range forktest.All(now) {
		for _, width := range []int{60, 80, 120, 200} {
			for line := range strings.Lines(Report(f, now, width, false)) {
				if n := columns(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%s at %d columns: a line of %d: %q", f.ID, width, n, line)
				}
			}
		}
	}
}

func TestForecastText(t *testing.T) {
	st := track.State{Addr: "127.0.0.1:6379", ResidentBytes: opt.Of(uint64(1_610_000_000))}
	for name, s := range map[string]forecast.Survival{
		"forecast-unknown": {Verdict: forecast.Unknown, Why: forecast.Why{Ground: forecast.NoForecast}, Fork: forecast.Fork{Kind: fork.KindRDB, NoMemory: forecast.NoReadings, NoStall: forecast.NoForks}},
		"forecast": {
			Verdict: forecast.No, Why: forecast.Why{Ground: forecast.TooLittle, Limit: forecast.LimitCgroup},
			Fork: forecast.Fork{
				Kind:      fork.KindRDB,
				Memory:    opt.Of(forecast.Memory{Bytes: 910_000_000, Basis: forecast.BasisPeaks, Forks: 4}),
				Stall:     opt.Of(forecast.Stall{Seconds: 0.0391, Basis: forecast.BasisStalls, Forks: 3}),
				WorstCase: opt.Of(uint64(1_620_000_000)),
			},
			Needs: []forecast.Need{
				{Headroom: forecast.Headroom{Limit: forecast.LimitCgroup, Bytes: 500_000_000, Cgroup: "/redis.service", Of: 2_100_000_000}, Needs: opt.Of(uint64(910_000_000))},
				{Headroom: forecast.Headroom{Limit: forecast.LimitHost, Bytes: 20_000_000_000}, Needs: opt.Of(uint64(910_000_000))},
				{Headroom: forecast.Headroom{Limit: forecast.LimitCommit, Bytes: 9_000_000_000}},
			},
		},
	} {
		golden.Check(t, name+".txt", forecastText(&st, s, 80))
	}
}

// Whatever there is to say of the next fork, measure says it in the words that the page
// and check have.
func TestForecastInWords(t *testing.T) {
	for _, c := range wordstest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			s := c.Survival()
			said := forecastText(&c.State, s, 10_000)
			for _, want := range wordstest.Sentences(&s) {
				if !strings.Contains(said, want) {
					t.Errorf("no %q in\n%s", want, said)
				}
			}
		})
	}
}
