package history

import (
	"cmp"
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// maxPoints bounds a record's curve. Beyond it every second point goes: a save
// of any length is drawn in 300 to 600 points, and 200 records of the longest
// saves stay below 5 MB.
const maxPoints = 600

// Begin opens a fork's record. seen is when the child was first seen: the time
// of a partial fork counts from there.
func (s *Server) Begin(f fork.Record, seen time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := f.Start
	if f.Partial {
		from = seen
	}
	r := &running{Record: f, accounted: from}
	s.open = append(s.open, r)
	s.feedBirth(r, from)
	if f.Kind != fork.KindUnknown {
		s.seen(f.Kind)
	}
}

func (s *Server) find(id string) *running {
	for _, r := range s.open {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// Update changes an open record; change must not keep its argument. Unknown and
// closed records are left alone.
func (s *Server) Update(id string, change func(*fork.Record)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(id)
	if r == nil {
		return
	}
	s.account(r, time.Now()) // at the old kind, which change may replace
	change(&r.Record)
	if r.Kind != fork.KindUnknown {
		s.seen(r.Kind)
	}
}

// AddSample adds one reading of an open record's child.
func (s *Server) AddSample(id string, sample fork.Sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(id)
	if r == nil || r.dead {
		return
	}
	// That a child has huge pages is known from smaps only: between two of its readings
	// the last ones stay.
	if last, ok := r.sample.Get(); ok && !sample.AnonymousHuge.Present() {
		sample.AnonymousHuge = last.AnonymousHuge
	}
	r.sample = opt.Of(sample)
	r.Curve = addPoint(r.Curve, fork.Point{
		Seconds:      sample.Time.Sub(r.Start).Seconds(),
		PrivateDirty: sample.PrivateDirty,
		Source:       sample.Source,
		Error:        sample.Error,
	}, func(p fork.Point) uint64 { return p.PrivateDirty })
	s.feedPoint(r, LinePrivateDirty, sample.Time, sample.PrivateDirty)
	r.PeakBytes = opt.Of(max(r.PeakBytes.Or(0), sample.PrivateDirty))
	if !r.AnonymousHugeBytes.Present() {
		r.AnonymousHugeBytes = sample.AnonymousHuge
	}
	if swap, ok := sample.Swap.Get(); ok {
		r.SwapPeakBytes = opt.Of(max(r.SwapPeakBytes.Or(0), swap))
	}
}

// AddCopies adds what an open record's fork has copied so far. The totals grow
// by what is new; what can't be known any more leaves the record.
func (s *Server) AddCopies(id string, c fork.Copies) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(id)
	if r == nil || r.dead {
		return
	}
	t := &s.state.Totals
	t.CopiedBytes += growth(&r.counted.bytes, c.Bytes)
	t.CopyStallSeconds += growth(&r.counted.stall, c.Stall)
	t.CopyFaults += growth(&r.counted.faults, c.Faults)
	r.CopiedBytes, r.CopyStallSeconds, r.CopyFaults = counted(r.counted.bytes, c.Bytes), counted(r.counted.stall, c.Stall), counted(r.counted.faults, c.Faults)
	r.CopiedSource = ""
	if bytes, ok := r.CopiedBytes.Get(); ok {
		r.CopiedSource = c.Source
		r.CopiedCurve = addPoint(r.CopiedCurve, fork.CopiedPoint{
			Seconds: c.Time.Sub(r.Start).Seconds(),
			Bytes:   bytes,
			Source:  c.Source,
			Error:   c.Error,
		}, func(p fork.CopiedPoint) uint64 { return p.Bytes })
		s.feedPoint(r, LineCopied, c.Time, bytes)
	}
}

// ExpectEstimate says that a fork has begun whose copy time will be estimated, if all
// goes well: from here on the total counts.
func (s *Server) ExpectEstimate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &s.state.Totals
	t.EstimatedCopyStallSeconds = opt.Of(t.EstimatedCopyStallSeconds.Or(0))
}

// SetEstimatedStall notes how long the copies of an open record's fork took by
// estimate. It is in the totals where delay accounting does not tell.
func (s *Server) SetEstimatedStall(id string, seconds float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(id)
	if r == nil || r.EstimatedCopyStallSeconds.Present() {
		return
	}
	r.EstimatedCopyStallSeconds = opt.Of(seconds)
	if !r.CopyStallSeconds.Present() {
		t := &s.state.Totals
		t.EstimatedCopyStallSeconds = opt.Of(t.EstimatedCopyStallSeconds.Or(0) + seconds)
	}
}

// growth is how much a value exceeds all that was counted of it so far, and
// counts that. An estimate may fall and rise again, or be absent for a while: what
// was counted once is not counted again.
func growth[T uint64 | float64](counted *T, now opt.Val[T]) T {
	n, ok := now.Get()
	if !ok || n <= *counted {
		return 0
	}
	more := n - *counted
	*counted = n
	return more
}

// counted is a value as the record shows it: never less than was counted of it.
func counted[T uint64 | float64](so T, now opt.Val[T]) opt.Val[T] {
	if !now.Present() {
		return now
	}
	return opt.Of(so)
}

// addPoint appends p and thins the curve when it has become too long: every
// second point goes, but never the highest. It never writes to points that were
// handed out.
func addPoint[P comparable](curve []P, p P, height func(P) uint64) []P {
	return thinned(curve, p, maxPoints, height)
}

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

// AddTailFaults adds to the count of write faults after a child's death.
func (s *Server) AddTailFaults(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Totals.TailFaults += n
}

// SetTail fills in a fork's tail, in its open or closed record.
func (s *Server) SetTail(id string, tail fork.Tail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.find(id); r != nil {
		r.Tail = opt.Of(tail)
		return
	}
	for i := range s.ring {
		f := &s.ring[i]
		if f.ID != id {
			continue
		}
		f.Tail = opt.Of(tail)
		if last := s.state.Last[f.Kind]; last.ID == id {
			last.TailSeconds = opt.Of(tail.Seconds)
			s.state.Last[f.Kind] = last
		}
	}
}

// Died says that an open record's child has ended, at the given time. The
// record stays open until Close: its outcome may not be known yet.
func (s *Server) Died(id string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(id)
	if r == nil || r.dead {
		return
	}
	s.account(r, at)
	s.feedDeath(r, at)
	s.addExtraPoint(r) // the last, which may have come since the last reply
	r.Changes = s.changesSince(r, at)
	r.dead, r.died = true, at
	r.LifetimeSeconds = opt.Of(max(0, at.Sub(r.Start).Seconds()))
}

// kindKnownWithin is how soon nearly every fork's kind is known.
const kindKnownWithin = time.Second

// account adds a living child's time since the last call to its kind. At first
// that is unknown, and the time waits.
func (s *Server) account(r *running, now time.Time) {
	if r.dead || r.Kind == fork.KindUnknown && now.Sub(r.accounted) < kindKnownWithin {
		return
	}
	s.seen(r.Kind)
	s.addSeconds(r, now)
}

func (s *Server) addSeconds(r *running, until time.Time) {
	if until.After(r.accounted) {
		s.state.Totals.ChildSeconds[r.Kind] += until.Sub(r.accounted).Seconds()
		r.accounted = until
	}
}

// AddReported adds a figure of the server's own to an open record, if it is
// another than the last.
func (s *Server) AddReported(id string, p fork.Reported) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(id)
	if r == nil || r.dead {
		return
	}
	if n := len(r.Reported); n > 0 && r.Reported[n-1].COWBytes == p.COWBytes {
		return
	}
	r.Reported = addPoint(r.Reported, p, func(p fork.Reported) uint64 { return p.COWBytes })
}

// Drop forgets an open record: its child turned out to be no fork of the server.
func (s *Server) Drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(id)
}

func (s *Server) remove(id string) *running {
	r := s.find(id)
	if r != nil {
		s.feedDeath(r, time.Now()) // of one that was no fork: its line must not hang in the air
	}
	s.open = slices.DeleteFunc(s.open, func(o *running) bool { return o == r })
	return r
}

// Close closes a record whose outcome has been set: exactly one observation in
// each counter and histogram that the fork belongs to, the last_* group in one
// step, and the record into the ring. It returns the closed record.
func (s *Server) Close(id string) (fork.Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.remove(id)
	if r == nil {
		return fork.Record{}, false
	}
	f := r.Record
	t := &s.state.Totals
	s.seen(f.Kind)
	s.addSeconds(r, r.died) // if its kind has become known since, or never will
	t.Children[f.Kind]++
	if reason, failed := f.Outcome.Reason(); failed {
		t.Failed[f.Kind][reason]++
	}
	if f.Outcome == fork.OutcomeCancelled {
		t.Cancelled[f.Kind]++
	}
	if stall, ok := f.StallSeconds.Get(); ok {
		s.observeStall(stall, f.ResidentBytes)
	}
	peak := f.WholePeak()
	resident := f.ResidentBytes.Or(0)
	if p, ok := peak.Get(); ok && resident > 0 && !f.Partial {
		t.PeakRatio.Observe(float64(p) / float64(resident))
	}
	last := LastFork{
		ID:              f.ID,
		Start:           f.Start,
		Outcome:         f.Outcome,
		StallSeconds:    f.StallSeconds,
		LifetimeSeconds: f.LifetimeSeconds,
		ResidentBytes:   f.ResidentBytes,
		PeakBytes:       peak,
		ExtraPeakBytes:  f.WholeExtraPeak(),
		ReportedBytes:   f.ReportedCOWBytes,

		CopiedBytes:      f.CopiedBytes,
		CopyStallSeconds: f.CopyStallSeconds,
	}
	if tail, ok := f.Tail.Get(); ok {
		last.TailSeconds = opt.Of(tail.Seconds)
	}
	s.state.Last[f.Kind] = last
	if len(s.ring) == RingSize {
		s.ring = s.ring[1:]
	}
	s.ring = append(s.ring, f)
	return f, true
}
