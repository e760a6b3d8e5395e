package watch

import (
	"context"
	"errors"
	"os"
	"runtime"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

const (
	// The growth of a fork's memory is steepest in its beginning.
	denseFor    = 30 * time.Second
	sparseEvery = time.Second

	// Reading smaps takes the longer the larger the server is, and makes it wait.
	// It is the truth that the cgroup and the counters are held to, and what is left
	// where they can't tell.
	firstExact  = 250 * time.Millisecond // at the birth there is nothing to read yet
	exactEvery  = time.Second            // where nobody else can be trusted
	exactRarely = 30 * time.Second       // at least, whoever is trusted

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
	extra     opt.Val[history.Extra] // the newest
	extraAt   reading                // as it was taken
	nextPoint time.Time              // zero: at once
	nextExact time.Time              // not before
	exactAt   time.Time              // the last one, or the birth
	trusted   bool                   // what tells private dirty memory needs no smaps to be right
	unproved  bool                   // but has led far enough for smaps to say whether it is
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
		s.w.opts.Server.CountDeferred(history.SourceChildSmaps)
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

// wantsExact tells whether a reading of smaps is due.
func (s *sampler) wantsExact(now time.Time) bool {
	if s.blind || now.Before(s.nextExact) {
		return false
	}
	return !s.trusted || s.unproved || now.Sub(s.exactAt) >= exactRarely
}

// affordsExact tells whether smaps may be read now. What the first reading costs
// may be paid afterwards where nobody else can be trusted, and all of it where the
// line can't be drawn without it.
func (s *sampler) affordsExact() bool {
	budget, resident := s.w.opts.Budget, s.meter.last.child.Or(0)
	switch {
	case s.trusted:
		return budget.Allow(resident)
	case s.exacts == 0 && s.dark:
		return budget.AllowFirst(0)
	}
	return budget.AllowFirst(resident)
}

// point adds one point to each line of the fork.
func (s *sampler) point(exact bool) {
	var dirty opt.Val[history.Sample]
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
func (s *sampler) add(d history.Sample) {
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
	status, cost, err := timed(s.w.opts.CPUTime, s.child.Status)
	s.w.opts.Budget.Spend(cost)
	s.nextSwap = now.Add(swapEvery)
	if err == nil && status.VMSwap.Present() { // a zombie has none
		s.swap = status.VMSwap
	}
}

// trust tells whether private dirty memory is told by what smaps need not be asked
// about every second, and whether it has told enough to be checked.
func (s *sampler) trust(r reading, dirty opt.Val[history.Sample]) (trusted, unproved bool) {
	d, ok := dirty.Get()
	if !ok || d.Source == history.SourcePagemap || !s.process.smapsRead.Load() || !s.meter.huge.Present() {
		return false, false
	}
	_, cgroup := s.meter.byCgroup(r)
	return cgroup || !s.huge && s.meter.leads(r), s.meter.unproved(d.PrivateDirty)
}

// counters takes a reading that the budget pays for.
func (s *sampler) counters() (reading, error) {
	r, cost, err := timed(s.w.opts.CPUTime, s.read)
	s.w.opts.Budget.Spend(cost)
	s.w.opts.Server.CountSampler(history.SourceCounters, cost)
	return r, err
}

func (s *sampler) addCopies(r reading) {
	c := s.meter.copies(r)
	s.run.add(r, s.meter.page)
	zeroed := !s.meter.partial && s.meter.zero().copies.Present() // there is something to count from
	if zeroed && s.process.accounted.Load() && (c.Source != history.SourceTaskstats || !c.Bytes.Present()) {
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

// exact reads the child's smaps.
func (s *sampler) exact() opt.Val[history.Sample] {
	const source = history.SourceChildSmaps
	server := s.w.opts.Server
	start := time.Now()
	smaps, cost, err := timed(s.w.opts.CPUTime, s.child.Smaps)
	s.w.opts.Budget.SpendExact(smaps.Rss, cost)
	s.exacts++
	server.CountSampler(source, cost)
	now := time.Now()
	s.exactAt, s.nextExact = now, now.Add(exactEvery)
	switch {
	case err == nil:
		server.SetAvailable(source, true)
		s.process.smapsDenied.Store(false)
		s.process.smapsRead.Store(true)
		s.meter.huge = opt.Of(smaps.AnonHugePages > 0)
		if smaps.AnonHugePages > 0 {
			s.huge = true
			s.process.hadHuge.Store(true)
		}
		return opt.Of(history.Sample{
			Time:          start.Add(now.Sub(start) / 2),
			Source:        source,
			PrivateDirty:  smaps.PrivateDirty,
			AnonymousHuge: opt.Of(smaps.AnonHugePages),
		})
	case errors.Is(err, proc.ErrGone):
	case errors.Is(err, proc.ErrDenied):
		s.blind = true
		s.process.smapsDenied.Store(true) // by a security module, say: the rights don't show it
		s.meter.unanchor()
		if server.SetAvailable(source, false) {
			s.w.log.Warn("The child's smaps can't be read", "err", err, "remedy", remedySmaps)
		}
	default:
		server.CountReadError(history.ReadError{Source: source, Reason: "failed"})
		s.w.log.Debug("Reading the child's smaps failed", "err", err)
	}
	return opt.Val[history.Sample]{}
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

const (
	tailEvery = time.Second
	tailLimit = time.Minute
	tailFaded = 20 // the tail has ended when it has faded to 1/20 of its first second
)

// tail counts what the fork costs after its child's death: the server's first
// write to each page that is still protected is a fault, without a copy. It
// fades as a half-life does, and is given up after a minute or when ctx ends,
// which it does with the next fork.
func (s *sampler) tail(ctx context.Context, death reading) {
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
		r, err := s.process.read(nil)
		if err != nil {
			return // with the server
		}
		now := tailFaults(death, r, s.meter.page)
		second := now - min(now, faults)
		s.w.opts.Server.AddTailFaults(second)
		faults = max(faults, now)
		if n == 1 {
			first = second
		}
		faded := !cut && second <= first/tailFaded
		late := r.at.Sub(death.at) >= tailLimit
		if cut || faded || late {
			t := history.Tail{
				Seconds:   r.at.Sub(death.at).Seconds(),
				Faults:    faults,
				Truncated: !faded,
			}
			if shared, ok := s.shared.Get(); ok && !s.huge {
				t.Left = opt.Of(shared - min(shared, faults*s.meter.page))
			}
			s.w.opts.Server.SetTail(s.id, t)
			logTail(s.w.log, s.id, t)
			return
		}
	}
}

// tailFaults are the server's faults since a death, without those that made it
// grow and, as far as they are known, those that copied: Linux 5.8 to 6.14 copies in
// the tail what was part of a huge page.
func tailFaults(death, now reading, page uint64) uint64 {
	faults := now.beyondGrowth(death, page)
	then, ok1 := death.copies.Get()
	if copies, ok2 := now.copies.Get(); ok1 && ok2 {
		faults -= min(taskstats.CountDelta(then.CopyCount, copies.CopyCount), faults)
	}
	return faults
}
