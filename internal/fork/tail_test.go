package fork_test

import (
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/forktest"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestTailGoing(t *testing.T) {
	base := forktest.Saved(now)
	base.Tail, base.Start = opt.Val[fork.Tail]{}, now.Add(-30*time.Second) // dead for 9.7 s
	for name, c := range map[string]struct {
		change func(*fork.Record)
		want   bool
	}{
		"just dead":          {func(*fork.Record) {}, true},
		"running":            {func(f *fork.Record) { f.Outcome = "" }, false},
		"ended":              {func(f *fork.Record) { f.Tail = opt.Of(fork.Tail{Seconds: 3}) }, false},
		"long dead":          {func(f *fork.Record) { f.Start = now.Add(-90 * time.Second) }, false},
		"dead in the future": {func(f *fork.Record) { f.Start = now }, false},
		"server died":        {func(f *fork.Record) { f.Outcome = fork.OutcomeServerDied }, false},
		"nobody counts":      {func(f *fork.Record) { f.CopyFaults = opt.Val[uint64]{} }, false},
		"death not known":    {func(f *fork.Record) { f.LifetimeSeconds = opt.Val[float64]{} }, false},
	} {
		f := base
		c.change(&f)
		if got := f.TailGoing(now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
