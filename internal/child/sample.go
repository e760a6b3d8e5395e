package child

import (
	"errors"
	"os"
	"runtime"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

const (
	// The growth of a fork's memory is steepest in its beginning.
	denseFor    = 30 * time.Second
	sparseEvery = time.Second

	swapEvery = time.Second
)

// sampler measures one child's memory and its server's copies.
type sampler struct {
	opts    Options
	learned Experience // opts.Experience, and what this child has taught
	meter   meter
	run     runTime
	pages   pageSample
	exact   exactReader
	point   Point // what the point that is being taken has brought so far

	nextPoint time.Time // zero: at once
	nextSwap  time.Time
	swap      opt.Val[uint64]  // swapped bytes of the child
	file      uint64           // resident bytes of the child that are a file's, its program's above all
	shared    opt.Val[uint64]  // bytes that server and child shared at the last point
	extra     opt.Val[extraAt] // the newest
}

// newSampler begins at a birth that has just been seen; nil where the child is gone already.
func newSampler(o Options) *sampler {
	page := uint64(os.Getpagesize())
	s := &sampler{
		opts: o, learned: o.Experience,
		exact: exactReader{at: o.Birth, next: o.Birth.Add(firstExact)},
	}
	before := o.Idle
	if !o.Alone || o.Partial {
		before = nil
	}
	first, err := o.Server.Read(o.Child)
	if err != nil {
		return nil
	}
	s.run = newRunTime(before, first, page)
	huge := hugeImpossible
	if o.MayHaveHugePages || o.Experience.HadHuge {
		huge = hugePossible
	}
	unseen := first.at.Sub(o.Birth)
	if q, ok := before.last().Get(); ok && before.calm(page, huge != hugeImpossible) {
		// What was copied between the birth and now is in the count from before it.
		first.faults, first.resident = q.faults, q.resident
		unseen = 0
	}
	o.Budget.Birth()
	s.meter = newMeter(page, o.CPUs, before.last(), first, o.Partial)
	s.meter.unseen, s.meter.huge = unseen, huge
	if status, err := o.Child.Status(); err == nil {
		rss := status.VMRSS.Or(0)
		s.file = rss - min(rss, status.RSSAnon.Or(rss))
		s.swap, s.nextSwap = status.VMSwap, first.at.Add(swapEvery)
	}
	s.pages.may = !o.Partial && o.Child.MayReadPages() // the beginning belongs to the estimate
	s.pages.born = s.pagesOf(first)
	if stat, err := o.Child.Stat(); err == nil {
		s.exact.blind = !stat.Permitted()
	}
	if s.exact.blind || o.Experience.SmapsDenied {
		s.meter.unanchor()
	}
	return s
}

// expectsEstimate reports, at the birth, whether the time of the copies will be
// estimated if all goes well.
func (s *sampler) expectsEstimate() bool {
	return s.estimable() && s.run.calm() && s.opts.Server.Delays == nil
}

// learn remembers and reports what the child has taught.
func (s *sampler) learn(e Experience) {
	if e != s.learned {
		s.learned = e
		s.opts.Report(Learned{Experience: e})
	}
}

// next takes the readings that are due, and returns how long to wait for the next.
func (s *sampler) next(now time.Time) time.Duration {
	if now.Before(s.nextPoint) {
		return s.nextPoint.Sub(now)
	}
	exact := s.exact.due(now)
	if exact && !s.exact.affords(s.opts.Budget, s.meter.last.child.Or(0)) {
		s.point.Deferred = append(s.point.Deferred, fork.SourceChildSmaps)
		s.exact.next = now.Add(exactEvery)
		exact = false
	}
	s.takePoint(exact)
	s.report()
	every := s.opts.Interval
	if now.Sub(s.opts.Birth) >= denseFor {
		every = max(every, sparseEvery)
	}
	s.nextPoint = now.Add(every)
	return every
}

// report reports the point that was taken.
func (s *sampler) report() {
	p := s.point
	s.point = Point{}
	s.opts.Report(p)
}

// takePoint takes one point of each line, with a reading of smaps if exact.
func (s *sampler) takePoint(exact bool) {
	var private opt.Val[fork.Sample]
	var before Reading
	if exact {
		var err error
		if before, err = s.counters(); err != nil {
			return
		}
		private = s.readExact()
	}
	r, err := s.counters()
	if err != nil || !s.meter.plausible(r) || isClosed(s.opts.Child.Exited()) {
		return // the kernel may have been taking the memory apart meanwhile
	}
	s.addCopies(r)
	if s.meter.wantsPages(r) {
		r.pages = s.samplePages()
	}
	if p, ok := private.Get(); ok {
		s.meter.exact(before, r, p.PrivateDirty)
		s.pages.anchor(s.meter.work, s.pagesOf(s.meter.last), p.PrivateDirty)
	} else {
		private = s.meter.sample(r)
	}
	s.readSwap(r.at)
	if p, ok := private.Get(); ok {
		s.addPrivate(p)
		child, own := r.child.Or(0), p.PrivateDirty+s.file
		s.shared = opt.Of(child - min(child, own))
	}
	s.exact.dark = !private.Present()
	s.exact.trust = s.judge(r, private)
	if e, ok := s.meter.extra(r, private).Get(); ok {
		s.point.Extra = opt.Of(e)
		s.extra = opt.Of(extraAt{e, r})
	}
}

// addPrivate adds a point of private dirty memory, with what is known besides. That
// there are no huge pages is known where there can't be new ones and no child had any.
func (s *sampler) addPrivate(p fork.Sample) {
	p.Swap = s.swap
	if s.meter.huge == hugeImpossible && s.learned.SmapsRead {
		p.AnonymousHuge = opt.Of(uint64(0))
	}
	s.point.Private = opt.Of(p)
}

// addCopies adds what the reading r says of the copies.
func (s *sampler) addCopies(r Reading) {
	c := s.meter.copies(r)
	s.run.add(r, s.meter.page)
	counted := !s.meter.partial && s.meter.zero().copies.Present() // there is something to count from
	if counted && s.opts.Server.Delays != nil && (c.Source != fork.SourceTaskstats || !c.Bytes.Present()) {
		if !r.copies.Present() {
			return // it did not answer this time: no change of source half-way
		}
		s.noDelays() // the count stands still
	}
	if s.opts.Alone {
		s.point.Copies = opt.Of(c)
	}
}

// noDelays notes that delay accounting tells nothing any more.
func (s *sampler) noDelays() {
	s.opts.Server.Delays = nil
	s.opts.Report(DelaysStopped{Err: ErrNoDelays})
}

// samplePages reads some of the child's pages and returns an estimate of its private
// dirty memory; absent where that can't be done, and where it would cost too much now.
func (s *sampler) samplePages() opt.Val[estimate] {
	const source = fork.SourcePagemap
	if huge := s.meter.huge; !s.pages.may || huge == hugePossible || huge == hugePresent { // private huge pages can't be told
		return opt.Val[estimate]{}
	}
	now := time.Now()
	if now.Before(s.pages.next) {
		s.point.Deferred = append(s.point.Deferred, source)
		return opt.Val[estimate]{}
	}
	found, cost, err := paid(s, source, func() (estimate, error) {
		return s.pages.read(s.opts.Child, s.meter.work, s.pagesOf(s.meter.last))
	})
	// From when it was due: points come at an interval of their own.
	s.pages.next = later(s.pages.next, now.Add(-s.opts.Interval)).Add(s.opts.Budget.Pace(cost))
	if err != nil {
		s.pages.may = s.pages.may && errors.Is(err, proc.ErrGone)
		return opt.Val[estimate]{}
	}
	if found.off >= s.meter.last.child.Or(0) {
		return opt.Val[estimate]{} // it may be anything
	}
	return opt.Of(found)
}

// pagesOf returns how many pages the child has resident at a reading, those of files left out.
func (s *sampler) pagesOf(r Reading) float64 {
	resident := r.child.Or(0)
	return float64((resident - min(resident, s.file)) / uint64(os.Getpagesize()))
}

// readSwap reads how much of the child is swapped out: status tells that from a count
// that the kernel keeps anyway. On Linux 6.2 to 6.15 it is as loose as resident sizes.
func (s *sampler) readSwap(now time.Time) {
	if now.Before(s.nextSwap) {
		return
	}
	status, _, err := paid(s, fork.SourceCounters, s.opts.Child.Status)
	s.nextSwap = now.Add(swapEvery)
	if err == nil && status.VMSwap.Present() { // a zombie has none
		s.swap = status.VMSwap
	}
}

// counters takes a reading that the budget pays for.
func (s *sampler) counters() (Reading, error) {
	r, _, err := paid(s, fork.SourceCounters, func() (Reading, error) { return s.opts.Server.Read(s.opts.Child) })
	return r, err
}

// paid takes a reading that the budget pays for, and notes it in the point.
func paid[T any](s *sampler, source fork.Source, read func() (T, error)) (T, time.Duration, error) {
	v, cost, err := Timed(s.opts.CPUTime, read)
	s.opts.Budget.Spend(cost)
	r := fork.Read{Source: source, Cost: cost, Err: err}
	switch {
	case errors.Is(err, proc.ErrDenied):
		r.Reason = fork.ReasonDenied
	case err != nil && !errors.Is(err, proc.ErrGone):
		r.Reason = fork.ReasonFailed
	}
	s.point.Reads = append(s.point.Reads, r)
	return v, cost, err
}

// Timed returns what read returns, and what CPU time it took by clock.
func Timed[T any](clock func() time.Duration, read func() (T, error)) (T, time.Duration, error) {
	runtime.LockOSThread() // the clock is this thread's
	defer runtime.UnlockOSThread()
	before := clock()
	v, err := read()
	return v, clock() - before, err
}

// close releases what the sampler has opened.
func (s *sampler) close() { s.pages.close() }

// last takes the counters once more when the child has died: its last copies came after
// the last point. The tail's faults are no copies, and have hardly begun. It returns the
// reading that the tail is counted from; absent where there is none.
func (s *sampler) last() opt.Val[Reading] {
	r, err := s.opts.Server.Read(nil)
	if err != nil || !s.meter.plausible(r) {
		return opt.Val[Reading]{}
	}
	if s.opts.Server.Delays != nil && s.opts.DelaysOff() {
		s.noDelays()
	}
	if s.opts.Server.Delays == nil {
		r.copies = opt.Val[taskstats.Stats]{} // it stood still from some moment on
	}
	r.child = opt.Of(s.meter.high.child) // its memory is gone, not given back
	r.cgroup = opt.Val[uint64]{}         // and so it is here
	s.addCopies(r)
	if e, ok := s.extra.Get(); ok {
		s.point.Extra = s.meter.lastExtra(e, r)
	}
	if p, ok := s.meter.sample(r).Get(); ok {
		s.addPrivate(p)
	}
	s.report()
	s.estimateStall(r)
	return opt.Of(r)
}

// estimable reports whether the time that the copies take can be estimated, so far:
// where their number is known, and a page costs what any other costs: huge pages are
// split at their first copy, and zeroed where the server grows.
func (s *sampler) estimable() bool {
	return s.opts.Alone && s.meter.huge == hugeImpossible && !s.meter.partial && !s.meter.gave
}

// estimateStall estimates how long the copies of a fork that ended at r took.
func (s *sampler) estimateStall(r Reading) {
	if !s.estimable() {
		return
	}
	pages := float64(s.meter.counted(r) / s.meter.page)
	if seconds, ok := s.run.stall(pages); ok {
		s.opts.Report(Estimated{Seconds: seconds})
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
