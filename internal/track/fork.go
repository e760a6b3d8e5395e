package track

import (
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// closeAfter is how long after its child's death a record waits for what INFO may
// still say.
const closeAfter = 10 * time.Second

// phase is how far the life of an open fork has come.
type phase int

const (
	living phase = iota
	dead         // the child has ended
	reaped       // and the server has taken notice, or nobody waits for that any longer
)

// openFork is a fork whose record is not closed yet: all that is known of it.
type openFork struct {
	fork.Record
	phase   phase
	process *process // of the server, at the birth
	seen    time.Time
	titled  fork.Kind // by the child's title

	before opt.Val[redisinfo.Info] // last reply before the birth
	after  opt.Val[redisinfo.Info] // first reply to an INFO sent after it was seen
	final  opt.Val[redisinfo.Info] // first reply to an INFO sent after the server reaped the child
	alone  bool                    // no other fork had ended when final was sent: its figures are this fork's

	settled   bool // the duration is known, or known to be lost
	counted   bool // the server has counted it among its forks
	uncounted bool // the server does not count it, but it is a copy of it all the same

	diedAt    time.Time
	reapedAt  time.Time
	exit      opt.Val[fork.Exit]
	oomKilled bool

	booked         booked
	sample         opt.Val[fork.Sample]
	extra          opt.Val[fork.Extra]
	changesAtBirth opt.Val[float64] // as changes counts
}

// born opens the record of a new child.
func (s *Server) born(e Born, now time.Time) {
	info := s.beforeBirth(e.Start)
	f := &openFork{
		Record: fork.Record{
			ID: fork.ID(e.Start, e.PID), Server: s.state.Name, Kind: fork.KindUnknown, Partial: e.Partial, Start: e.Start,
			ServerPID: s.process.pid, ChildPID: e.PID,
			ResidentBytes: s.state.ResidentBytes, PageTableBytes: s.state.PageTableBytes,
			ChangesBefore: changesIn(info),
		},
		process: s.process, seen: e.Seen, titled: fork.KindUnknown, before: info,
	}
	from := e.Start
	if e.Partial {
		from = e.Seen
	}
	f.booked.until = from
	s.open = append(s.open, f)
	s.do(Opened{Record: f.Record, From: from})
	if bytes, ok := f.ResidentBytes.Get(); ok && s.oldestLiving() == f {
		s.do(Drawn{ID: f.ID, Line: fork.LineResident, At: from, Bytes: bytes})
	}
	if !e.Partial {
		s.ledger.birth(f.ID, e.Start, e.Seen)
	}
	s.ask(AskBirth, now)
}

// beforeBirth returns the last reply that speaks of a time before a birth. A birth is seen
// a moment late, and a reply may come in between.
func (s *Server) beforeBirth(birth time.Time) opt.Val[redisinfo.Info] {
	if s.last.at.After(birth) {
		return s.prior.info
	}
	return s.last.info
}

func changesIn(reply opt.Val[redisinfo.Info]) opt.Val[uint64] {
	info, _ := reply.Get()
	return info.ChangesSinceLastSave
}

// learn takes from a reply what it says of an open fork.
func (s *Server) learn(f *openFork, r Replied, now time.Time) {
	if !r.Sent.Before(f.seen) && !f.after.Present() {
		f.after = opt.Of(r.Info)
		s.setKind(f, now)
	}
	switch {
	case f.phase == living:
		s.takeReported(f, r)
	case f.phase == reaped && !r.Sent.Before(f.reapedAt) && !f.final.Present():
		f.final, f.alone = opt.Of(r.Info), s.lastEnded() == f
	}
}

// lastEnded returns the fork that ended last, of those whose records are open.
func (s *Server) lastEnded() *openFork {
	var last *openFork
	for _, f := range s.open {
		if f.phase == reaped && (last == nil || f.diedAt.After(last.diedAt)) {
			last = f
		}
	}
	return last
}

func (s *Server) setKind(f *openFork, now time.Time) {
	s.book(f, now) // at the old kind
	f.Kind = resolveKind(f.titled, f.before, f.after)
	if f.Kind != fork.KindUnknown {
		s.see(f.Kind)
	}
}

// takeReported notes the server's own figure about its running child. It is some
// child's, so it is believed only while there is just one.
func (s *Server) takeReported(f *openFork, r Replied) {
	bytes := r.Info.CurrentCOWBytes.Or(0)
	if bytes == 0 || s.unreaped() != 1 {
		return
	}
	// The age is in whole seconds, rounded down.
	latest := r.At.Add(-time.Duration(r.Info.CurrentCOWAgeSeconds.Or(0)) * time.Second)
	measured := latest.Add(-500 * time.Millisecond)
	if earliest := latest.Add(-time.Second); !earliest.After(f.Start) {
		// A child's first figure is from its very start (its next comes a second
		// later at the earliest), and the server takes it in up to a second later.
		measured = f.Start
	}
	if latest.Before(f.Start) {
		return // an earlier child's
	}
	if n := len(f.Reported); n > 0 && f.Reported[n-1].COWBytes == bytes {
		return
	}
	p := fork.Reported{Seconds: measured.Sub(f.Start).Seconds(), COWBytes: bytes}
	f.Reported = addPoint(f.Reported, p, func(p fork.Reported) uint64 { return p.COWBytes })
}

// unreaped returns how many children the server has not reaped yet, as far as is known.
func (s *Server) unreaped() (n int) {
	for _, f := range s.open {
		if f.phase != reaped {
			n++
		}
	}
	return n
}

// oldestLiving returns the fork whose child draws the server's lines; nil without one.
func (s *Server) oldestLiving() *openFork {
	for _, f := range s.open {
		if f.phase == living {
			return f
		}
	}
	return nil
}

// died takes the end of a child. The record stays open: its outcome may not be known yet.
func (s *Server) died(f *openFork, at time.Time) {
	if f.phase != living {
		return
	}
	s.book(f, at)
	s.endLines(f, at)
	s.addExtraPoint(f) // the last, which may have come since the last reply
	f.Changes = s.changesSince(f, at)
	f.phase, f.diedAt = dead, at
	f.LifetimeSeconds = opt.Of(max(0, at.Sub(f.Start).Seconds()))
}

// endLines ends the lines that a fork draws, before its child is marked dead.
func (s *Server) endLines(f *openFork, at time.Time) {
	if s.oldestLiving() == f {
		s.do(LinesEnded{ID: f.ID, At: at, Resident: s.state.ResidentBytes})
	}
}

func (s *Server) reaped(f *openFork, e Reaped, now time.Time) {
	f.phase, f.reapedAt = reaped, e.At
	f.exit, f.oomKilled = e.Exit, e.OOMKilled
	f.CPUSeconds, f.WrittenBytes = e.CPU, e.Written
	s.ask(AskDeath, now)
	s.expire(now)
}

// expire closes the records that are complete, or have waited long enough.
func (s *Server) expire(now time.Time) {
	var l settlement
	s.ledger.expire(now, &l)
	s.settle(l, now)
	for _, f := range slices.Clone(s.open) {
		if f.phase != reaped {
			continue
		}
		gone := f.process.gone
		complete := (f.final.Present() || gone) && (f.settled || gone || f.Partial)
		if complete || now.Sub(f.diedAt) >= closeAfter {
			s.close(f)
		}
	}
}

// close closes a record: exactly one observation in each counter and histogram that the
// fork belongs to, and the last_* group in one step.
func (s *Server) close(f *openFork) {
	s.judge(f)
	s.remove(f)
	s.see(f.Kind)
	s.bookUntil(f, f.diedAt) // if its kind has become known since, or never will
	s.account(f)
	s.do(Closed{Record: f.Record})
	s.do(Release{ID: f.ID})
}

// judge writes into the record how its child ended.
func (s *Server) judge(f *openFork) {
	end := death{at: f.diedAt, exit: f.exit, oomKilled: f.oomKilled, serverDied: f.process.died}
	end.record(&f.Record)
	final, asked := f.final.Get()
	if !asked {
		return
	}
	if f.Outcome == fork.OutcomeUnknown {
		f.Outcome = outcomeOfInfo(f.Kind, f.Start, f.before, final)
	}
	if f.alone && f.Outcome == fork.OutcomeOK {
		f.ReportedCOWBytes = finalCOW(f.Kind, final)
	}
}

// drop forgets a child that turned out to be no fork of the server.
func (s *Server) drop(f *openFork, why string, now time.Time) {
	s.do(NoFork{PID: f.ChildPID, Why: why})
	s.ledger.forget(f.ID)
	if f.phase == living {
		s.endLines(f, now) // they must not hang in the air
	}
	s.remove(f)
	if f.counted {
		s.passOn(f)
	}
	s.do(Dropped{ID: f.ID})
	s.do(Release{ID: f.ID})
}

// passOn finds out whose fork the server had counted that was taken to be f's: that of a
// child born about then, which was left without one; or else its child was not seen.
func (s *Server) passOn(f *openFork) {
	for _, o := range s.open {
		near := o.Start.Sub(f.Start).Abs() < birthGrace && !o.Start.After(s.last.at)
		if near && (o.uncounted || s.ledger.hasBirth(o.ID)) {
			s.ledger.forget(o.ID)
			o.settled, o.counted, o.uncounted, o.StallSeconds = true, true, false, f.StallSeconds
			return
		}
	}
	s.countUnobserved(1, 0)
	if stall, ok := f.StallSeconds.Get(); ok {
		s.observeStall(stall, f.ResidentBytes)
	}
}

func (s *Server) remove(f *openFork) {
	s.open = slices.DeleteFunc(s.open, func(o *openFork) bool { return o == f })
}

// tailed fills in a fork's tail, in its open or closed record.
func (s *Server) tailed(e Tailed) {
	s.do(TailEnded(e))
	if f := s.find(e.ID); f != nil {
		f.Tail = opt.Of(e.Tail)
		return
	}
	for kind, last := range s.state.Last {
		if last.ID == e.ID {
			last.TailSeconds = opt.Of(e.Tail.Seconds)
			s.state.Last[kind] = last
		}
	}
	s.do(TailKnown(e))
}
