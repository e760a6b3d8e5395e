package watch

import (
	"errors"
	"os"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// sampledPages is what a sampler knows of its child's pages. They are opened when
// they are first wanted: most forks never need them.
type sampledPages struct {
	may   bool  // they may be read
	open  Pages // nil: not opened
	sweep *sweep
	next  time.Time // no read before
}

func (p *sampledPages) close() {
	if p.open != nil {
		p.open.Close()
		p.open = nil
	}
}

// anchor takes an exact reading, if the pages are in use.
func (s *sampler) anchor(dirty uint64) {
	if s.pages.sweep != nil {
		s.pages.sweep.anchor(s.meter.work, s.anonymous(), float64(dirty)/float64(os.Getpagesize()))
	}
}

// anonymous is how many pages the child has resident at the last reading of the
// counters, those of files left out.
func (s *sampler) anonymous() float64 {
	resident := s.meter.last.child.Or(0)
	return float64(resident-min(resident, s.file)) / float64(os.Getpagesize())
}

// samplePages reads some of the child's pages and estimates its private dirty
// memory; absent where that can't be done, and where it would cost too much now.
func (s *sampler) samplePages() opt.Val[estimate] {
	const source = fork.SourcePagemap
	p := &s.pages
	if huge, known := s.meter.huge.Get(); !p.may || !known || huge { // private huge pages can't be told
		return opt.Val[estimate]{}
	}
	now := time.Now()
	if now.Before(p.next) {
		s.w.opts.Server.CountDeferred(source)
		return opt.Val[estimate]{}
	}
	found, cost, err := paid(s, source, s.sweepPages)
	// From when it was due: points come at an interval of their own.
	p.next = later(p.next, now.Add(-s.w.opts.SampleInterval)).Add(s.w.opts.Budget.Pace(cost))
	if err != nil {
		if !errors.Is(err, proc.ErrGone) {
			p.may = false
			if s.w.opts.Server.SetAvailable(source, false) {
				s.w.log.Warn("The child's pages can't be read", "err", err, "remedy", remedySmaps)
			}
		}
		return opt.Val[estimate]{}
	}
	s.w.opts.Server.SetAvailable(source, true)
	if found.off >= s.meter.last.child.Or(0) {
		return opt.Val[estimate]{} // it may be anything
	}
	return opt.Of(found)
}

func (s *sampler) sweepPages() (estimate, error) {
	p := &s.pages
	if p.open == nil {
		open, err := s.w.opts.Machine.Pages(s.child)
		if err != nil {
			return estimate{}, err
		}
		born := s.meter.birth.child.Or(0)
		born = (born - min(born, s.file)) / uint64(os.Getpagesize())
		p.open, p.sweep = open, newSweep(open.Places(), proc.PlacesAtOnce, open.Weight(), float64(born))
	}
	reads, err := p.open.Read()
	if err != nil {
		return estimate{}, err
	}
	p.sweep.take(s.meter.work, s.anonymous(), reads)
	pages, off := p.sweep.estimate(s.meter.work, s.anonymous())
	page := float64(os.Getpagesize())
	return estimate{uint64(pages * page), uint64(min(off, 1<<50) * page)}, nil // off may be infinite
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
