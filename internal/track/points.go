package track

import (
	"cmp"
	"slices"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// MaxPoints bounds a record's curve. Beyond it every second point goes: a save
// of any length is drawn in 300 to 600 points, and 200 records of the longest
// saves stay below 5 MB.
const MaxPoints = 600

// reads counts what a look at a child has read and put off, and notes which sources work.
func (s *Server) reads(r fork.Readings) {
	t := &s.state.Totals
	for _, read := range r.Reads {
		t.Reads[read.Source]++
		t.ReadSeconds[read.Source] += read.Cost.Seconds()
		s.judgeRead(read)
	}
	for _, source := range r.Deferred {
		t.ReadsDeferred[source]++
	}
}

// judgeRead counts a reading that failed, and notes whether a source of private dirty
// memory works.
func (s *Server) judgeRead(r fork.Read) {
	if r.Reason != "" {
		s.state.Totals.ReadErrors[ReadError{Source: r.Source, Reason: r.Reason}]++
	}
	if r.Source == fork.SourceCounters {
		return
	}
	switch {
	case r.Err == nil:
		s.setSource(r.Source, true)
	case r.Reason == fork.ReasonDenied, r.Source == fork.SourcePagemap && r.Reason != "":
		if s.setSource(r.Source, false) {
			s.do(SourceLost{Source: r.Source, Err: r.Err})
		}
	case r.Reason == fork.ReasonFailed:
		s.do(ReadingFailed{Source: r.Source, Err: r.Err})
	}
}

// point adds what one look at a fork's child has brought.
func (s *Server) point(f *openFork, r fork.Readings) {
	if f.phase != living {
		return
	}
	if c, ok := r.Copies.Get(); ok {
		s.addCopies(f, c)
	}
	if p, ok := r.Private.Get(); ok {
		s.addSample(f, p)
	}
	if e, ok := r.Extra.Get(); ok && !f.Partial {
		f.extra = opt.Of(e)
		f.ExtraPeakBytes = opt.Of(max(f.ExtraPeakBytes.Or(0), e.Bytes))
		f.ExtraSource = e.Source
	}
}

func (s *Server) addSample(f *openFork, sample fork.Sample) {
	// That a child has huge pages is known from smaps only: between two of its readings
	// the last ones stay.
	if last, ok := f.sample.Get(); ok && !sample.AnonymousHuge.Present() {
		sample.AnonymousHuge = last.AnonymousHuge
	}
	f.sample = opt.Of(sample)
	f.Curve = addPoint(f.Curve, fork.Point{
		Seconds:      sample.Time.Sub(f.Start).Seconds(),
		PrivateDirty: sample.PrivateDirty,
		Source:       sample.Source,
		Error:        sample.Error,
	}, func(p fork.Point) uint64 { return p.PrivateDirty })
	if s.oldestLiving() == f {
		s.do(Drawn{ID: f.ID, Line: fork.LinePrivateDirty, At: sample.Time, Bytes: sample.PrivateDirty})
	}
	f.PeakBytes = opt.Of(max(f.PeakBytes.Or(0), sample.PrivateDirty))
	if !f.AnonymousHugeBytes.Present() {
		f.AnonymousHugeBytes = sample.AnonymousHuge
	}
	if swap, ok := sample.Swap.Get(); ok {
		f.SwapPeakBytes = opt.Of(max(f.SwapPeakBytes.Or(0), swap))
	}
}

// addCopies adds what an open record's fork has copied so far. The totals grow by what is
// new; what can't be known any more leaves the record.
func (s *Server) addCopies(f *openFork, c fork.Copies) {
	t := &s.state.Totals
	t.CopiedBytes += addIncrease(&f.booked.bytes, c.Bytes)
	t.CopyStallSeconds += addIncrease(&f.booked.stall, c.Stall)
	t.CopyFaults += addIncrease(&f.booked.faults, c.Faults)
	f.CopiedBytes = knownAs(f.booked.bytes, c.Bytes)
	f.CopyStallSeconds = knownAs(f.booked.stall, c.Stall)
	f.CopyFaults = knownAs(f.booked.faults, c.Faults)
	f.CopiedSource = ""
	bytes, ok := f.CopiedBytes.Get()
	if !ok {
		return
	}
	f.CopiedSource = c.Source
	f.CopiedCurve = addPoint(f.CopiedCurve, fork.CopiedPoint{
		Seconds: c.Time.Sub(f.Start).Seconds(),
		Bytes:   bytes,
		Source:  c.Source,
		Error:   c.Error,
	}, func(p fork.CopiedPoint) uint64 { return p.Bytes })
	if s.oldestLiving() == f {
		s.do(Drawn{ID: f.ID, Line: fork.LineCopied, At: c.Time, Bytes: bytes})
	}
}

// estimated notes how long the copies of an open record's fork took by estimate. It is in
// the totals where delay accounting does not tell.
func (s *Server) estimated(f *openFork, seconds float64) {
	if f.EstimatedCopyStallSeconds.Present() {
		return
	}
	f.EstimatedCopyStallSeconds = opt.Of(seconds)
	if !f.CopyStallSeconds.Present() {
		t := &s.state.Totals
		t.EstimatedCopyStallSeconds = opt.Of(t.EstimatedCopyStallSeconds.Or(0) + seconds)
	}
}

// addIncrease returns by how much now exceeds total, and raises total by that. An
// estimate may fall and rise again, or be absent for a while: what was counted once is
// not counted again.
func addIncrease[T uint64 | float64](total *T, now opt.Val[T]) T {
	n, ok := now.Get()
	if !ok || n <= *total {
		return 0
	}
	more := n - *total
	*total = n
	return more
}

// knownAs returns total if now is known, else nothing: a record shows never less than was
// counted of it.
func knownAs[T uint64 | float64](total T, now opt.Val[T]) opt.Val[T] {
	if !now.Present() {
		return now
	}
	return opt.Of(total)
}

// addPoint appends p and thins the curve when it has become too long: every
// second point goes, but never the highest by height. It never writes to points that
// were handed out.
func addPoint[P comparable](curve []P, p P, height func(P) uint64) []P {
	return thinned(curve, p, MaxPoints, height)
}

// thinned returns curve with p, at most limit points.
func thinned[P comparable](curve []P, p P, limit int, height func(P) uint64) []P {
	if len(curve) < limit {
		return append(curve, p)
	}
	peak := slices.MaxFunc(curve, func(a, b P) int { return cmp.Compare(height(a), height(b)) })
	kept := make([]P, 0, limit)
	for i, q := range curve {
		if i%2 == 0 || q == peak {
			kept = append(kept, q)
		}
	}
	return append(kept, p)
}
