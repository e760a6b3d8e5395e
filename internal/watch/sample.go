package watch

import (
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

	// The kernel's count of a cgroup may lag by so many pages per CPU.
	cgroupBatch = 64
)

// sampler measures one child's memory and its server's copies.
type sampler struct {
	w         *Watcher
	id        string
	child     Process
	process   *process
	birth     time.Time
	meter     meter
	run       runTime
	extra     opt.Val[fork.Extra] // the newest
	extraAt   reading             // as it was taken
	nextPoint time.Time           // zero: at once
	nextExact time.Time           // not before
	exactAt   time.Time           // the last one, or the birth
	trusted   bool                // what tells private dirty memory needs no smaps to be right
	unproved  bool                // but has led far enough for smaps to say whether it is
	pages     sampledPages
	swap      opt.Val[uint64] // swapped bytes of the child
	nextSwap  time.Time
	file      uint64          // resident bytes of the child that are a file's, its program's above all
	shared    opt.Val[uint64] // bytes that server and child shared at the last point
	huge      bool            // server and child may have huge pages, or have had some
	alone     bool            // no other child lived at the birth: whoever counts copies counts those for both
	blind     bool            // smaps can't be read: said once, not tried again
	exacts    int             // readings of smaps so far
	dark      bool            // nothing told the child's private dirty memory the last time
}

// newSampler begins at a birth that has just been seen. alone says that no other
// child lived then, so that what was read before is this fork's zero.
func newSampler(w *Watcher, id string, child Process, p *process, birth time.Time, alone, partial bool) *sampler {
	page := uint64(os.Getpagesize())
	s := &sampler{w: w, id: id, child: child, process: p, birth: birth, alone: alone, exactAt: birth, nextExact: birth.Add(firstExact)}
	before := p.takeQuiet(birth)
	if !alone || partial {
		before = nil
	}
	var quiet opt.Val[reading]
	if n := len(before); n > 0 {
		quiet = opt.Of(before[n-1])
	}
	first, err := s.read()
	if err != nil {
		return nil // gone already
	}
	s.run = newRunTime(before, first, page)
	s.huge = p.hadHuge.Load() || w.opts.Machine.MayHaveHugePages(p.ID().PID)
	unseen := first.at.Sub(birth)
	if q, ok := quiet.Get(); ok && calm(before, page, s.huge) {
		// What was copied between the birth and now is in the count from before it.
		first.faults, first.resident = q.faults, q.resident
		unseen = 0
	}
	w.opts.Budget.Birth()
	s.pages.may = !partial && w.opts.Machine.MayReadPages(child) // the beginning belongs to the estimate
	s.meter = newMeter(page, w.opts.Machine.CPUs(), quiet, first, partial)
	s.meter.unseen = unseen
	if !s.huge {
		s.meter.huge = opt.Of(false)
	}
	if status, err := child.Status(); err == nil {
		rss := status.VMRSS.Or(0)
		s.file = rss - min(rss, status.RSSAnon.Or(rss))
		s.swap, s.nextSwap = status.VMSwap, first.at.Add(swapEvery)
	}
	if stat, err := child.Stat(); err == nil {
		s.blind = !stat.Permitted()
	}
	if s.blind || p.smapsDenied.Load() {
		s.meter.unanchor()
	}
	if s.estimable() && s.run.calm() && !p.accounted.Load() {
		w.opts.Server.ExpectEstimate()
	}
	return s
}

// next takes the readings that are due, and tells how long to wait.
func (s *sampler) next(now time.Time) time.Duration {
	if now.Before(s.nextPoint) {
		return s.nextPoint.Sub(now)
	}
	exact := s.wantsExact(now)
	if exact && !s.affordsExact() {
		s.w.opts.Server.CountDeferred(fork.SourceChildSmaps)
		s.nextExact = now.Add(exactEvery)
		exact = false
	}
	s.point(exact)
	every := s.w.opts.SampleInterval
	if now.Sub(s.birth) >= denseFor {
		every = max(every, sparseEvery)
	}
	s.nextPoint = now.Add(every)
	return every
}

// point adds one point to each line of the fork.
func (s *sampler) point(exact bool) {
	var dirty opt.Val[fork.Sample]
	var before reading
	if exact {
		var err error
		if before, err = s.counters(); err != nil {
			return
		}
		dirty = s.exact()
	}
	r, err := s.counters()
	if err != nil || !s.meter.plausible(r) || isClosed(s.child.Exited()) {
		return // the kernel may have been taking the memory apart meanwhile
	}
	s.addCopies(r)
	if s.meter.wantsPages(r) {
		r.pages = s.samplePages()
	}
	if d, ok := dirty.Get(); ok {
		s.meter.exact(before, r, d.PrivateDirty)
		s.anchor(d.PrivateDirty)
	} else {
		dirty = s.meter.sample(r)
	}
	s.readSwap(r.at)
	if d, ok := dirty.Get(); ok {
		s.add(d)
		child, own := r.child.Or(0), d.PrivateDirty+s.file
		s.shared = opt.Of(child - min(child, own))
	}
	s.dark = !dirty.Present()
	s.trusted, s.unproved = s.trust(r, dirty)
	s.addExtra(r, dirty)
}

// add adds a point to the record, with what is known besides. That there are no huge
// pages is known where there can't be new ones and no child had any.
func (s *sampler) add(d fork.Sample) {
	d.Swap = s.swap
	if !s.huge && s.process.smapsRead.Load() {
		d.AnonymousHuge = opt.Of(uint64(0))
	}
	s.w.opts.Server.AddSample(s.id, d)
}

// readSwap reads how much of the child is swapped out: status tells that from a count
// that the kernel keeps anyway. On Linux 6.2 to 6.15 it is as loose as resident sizes.
func (s *sampler) readSwap(now time.Time) {
	if now.Before(s.nextSwap) {
		return
	}
	status, _, err := paid(s, fork.SourceCounters, s.child.Status)
	s.nextSwap = now.Add(swapEvery)
	if err == nil && status.VMSwap.Present() { // a zombie has none
		s.swap = status.VMSwap
	}
}

// counters takes a reading that the budget pays for.
func (s *sampler) counters() (reading, error) {
	r, _, err := paid(s, fork.SourceCounters, s.read)
	return r, err
}

// paid takes a reading that the budget pays for, and counts it.
func paid[T any](s *sampler, source fork.Source, read func() (T, error)) (T, time.Duration, error) {
	v, cost, err := timed(s.w.opts.CPUTime, read)
	s.w.opts.Budget.Spend(cost)
	s.w.opts.Server.CountSampler(source, cost)
	return v, cost, err
}

func (s *sampler) addCopies(r reading) {
	c := s.meter.copies(r)
	s.run.add(r, s.meter.page)
	zeroed := !s.meter.partial && s.meter.zero().copies.Present() // there is something to count from
	if zeroed && s.process.accounted.Load() && (c.Source != fork.SourceTaskstats || !c.Bytes.Present()) {
		if !r.copies.Present() {
			return // it did not answer this time: no change of source half-way
		}
		s.w.noAccounting(s.process, errUnaccounted) // its count stands still
	}
	if s.alone {
		s.w.opts.Server.AddCopies(s.id, c)
	}
}

// read takes a reading of server and child.
func (s *sampler) read() (reading, error) {
	r, err := s.process.read(s.child)
	if err != nil {
		return r, err
	}
	stat, err := s.child.Stat()
	switch {
	case err != nil:
		return r, err
	case stat.VirtualBytes == 0:
		// It is ending, if not a zombie yet: for some milliseconds per GB the kernel
		// takes its memory apart. What was read before is only of use if it came before.
		return r, proc.ErrGone
	}
	r.child, r.own = opt.Of(stat.ResidentPages*uint64(os.Getpagesize())), stat.MinorFaults
	return r, nil
}

// timed tells what CPU time a read took.
func timed[T any](clock func() time.Duration, read func() (T, error)) (T, time.Duration, error) {
	runtime.LockOSThread() // the clock is this thread's
	defer runtime.UnlockOSThread()
	before := clock()
	v, err := read()
	return v, clock() - before, err
}

// close releases what the sampler has opened.
func (s *sampler) close() { s.pages.close() }

// last takes the counters once more when the child has died: its last copies
// came after the last point. The tail's faults are no copies, and have hardly
// begun.
func (s *sampler) last() (reading, bool) {
	r, err := s.process.read(nil)
	if err != nil || !s.meter.plausible(r) {
		return r, false
	}
	if s.w.checkAccounting(s.process); !s.process.accounted.Load() {
		r.copies = opt.Val[taskstats.Stats]{} // it stood still from some moment on
	}
	r.child = opt.Of(s.meter.high.child) // its memory is gone, not given back
	r.cgroup = opt.Val[uint64]{}         // and so it is here
	s.addCopies(r)
	s.estimateStall(r)
	s.lastExtra(r)
	if d, ok := s.meter.sample(r).Get(); ok {
		s.add(d)
	}
	return r, true
}

// estimable tells whether the time that the copies take can be estimated, so far:
// where their number is known, and a page costs what any other costs: huge pages are
// split at their first copy, and zeroed where the server grows.
func (s *sampler) estimable() bool {
	return s.alone && !s.huge && !s.meter.partial && !s.meter.gave
}

// estimateStall estimates how long the copies of a fork that has ended took.
func (s *sampler) estimateStall(r reading) {
	if !s.estimable() {
		return
	}
	pages := float64(s.meter.counted(r) / s.meter.page)
	if seconds, ok := s.run.stall(pages); ok {
		s.w.opts.Server.SetEstimatedStall(s.id, seconds)
	}
}
