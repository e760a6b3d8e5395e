package child

import (
	"context"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

const (
	tailEvery = time.Second
	tailLimit = time.Minute
	tailFaded = 20 // the tail has ended when it has faded to 1/20 of its first second
)

// tail counts what the fork costs after its child's death: the server's first
// write to each page that is still protected is a fault, without a copy. It
// fades as a half-life does, and is given up after a minute or when ctx ends,
// which it does with the next fork. death is the reading right after the child's death.
func (s *sampler) tail(ctx context.Context, death Reading) {
	var faults, first uint64
	tick := time.NewTicker(tailEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		cut := false
		select {
		case <-ctx.Done():
			cut = true
		case <-tick.C:
		}
		r, err := s.opts.Server.Read(nil)
		if err != nil {
			return // with the server
		}
		now := tailFaults(death, r, s.meter.page)
		second := now - min(now, faults)
		s.opts.Report(TailFaults{N: second})
		faults = max(faults, now)
		if n == 1 {
			first = second
		}
		faded := !cut && second <= first/tailFaded
		late := r.at.Sub(death.at) >= tailLimit
		if cut || faded || late {
			t := fork.Tail{
				Seconds:   r.at.Sub(death.at).Seconds(),
				Faults:    faults,
				Truncated: !faded,
			}
			if shared, ok := s.shared.Get(); ok && s.meter.huge == hugeImpossible {
				t.Left = opt.Of(shared - min(shared, faults*s.meter.page))
			}
			s.opts.Report(Tailed{Tail: t})
			return
		}
	}
}

// tailFaults returns the server's faults from death to now, without those that made it
// grow and, as far as they are known, those that copied: Linux 5.8 to 6.14 copies in
// the tail what was part of a huge page. page is the size of a page.
func tailFaults(death, now Reading, page uint64) uint64 {
	faults := now.beyondGrowth(death, page)
	then, ok1 := death.copies.Get()
	if copies, ok2 := now.copies.Get(); ok1 && ok2 {
		faults -= min(taskstats.CountDelta(then.CopyCount, copies.CopyCount), faults)
	}
	return faults
}
