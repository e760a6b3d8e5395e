package track

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// replied takes an answer to INFO: it settles what the ledger makes of it, and has the
// process looked for if there is none.
func (s *Server) replied(r Replied) {
	s.answered()
	if s.asker.downed {
		s.asker.downed = false
		s.do(AnswersAgain{})
	}
	before, hadBefore := s.last.info.Get()
	if hadBefore && before.RunID != r.Info.RunID {
		s.restarted(r.Info, r.At)
	} else {
		// CONFIG RESETSTAT shows in a count of commands that fell, also where as
		// many forks have been made since.
		reset := hadBefore && fell(before.CommandsProcessed, r.Info.CommandsProcessed)
		s.settle(s.ledger.reply(r.Sent, r.At, r.Info.TotalForks, r.Info.LatestFork, reset), r.At)
		if hadBefore && !reset {
			s.refused(before, r.Info)
		}
	}
	s.prior, s.last = s.last, dated{opt.Of(r.Info), r.At}
	s.unpublished = opt.Of(r)
	if s.process == nil && !r.At.Before(s.asker.findAt) {
		s.do(Find{}) // goes on with Searched
		return
	}
	s.publish(r.At)
}

// refused counts the forks that the kernel refused between two replies.
func (s *Server) refused(before, after redisinfo.Info) {
	for kind, n := range refusedForks(before, after) {
		s.state.Totals.Refused[kind] += n
		s.do(Refused{Kind: kind, Times: n})
	}
}

// publish shows the reply that was taken, and takes from it what it says of open forks.
func (s *Server) publish(now time.Time) {
	r, ok := s.unpublished.Get()
	if !ok {
		return
	}
	s.unpublished = opt.Val[Replied]{}
	st := &s.state
	st.Asked, st.Up, st.Info, st.InfoAt, st.Problem = true, true, &r.Info, r.At, ""
	s.changes.reply(r.Info, r.At)
	st.WriteRate = s.changes.counted.rate()
	for _, f := range s.open {
		if f.phase == living {
			s.noteChangesAtBirth(f)
			s.addExtraPoint(f)
		}
		s.learn(f, r, now)
	}
	s.expire(now)
	s.askAgain(now)
}

// failed takes the lack of an answer.
func (s *Server) failed(e Failed, now time.Time) {
	s.answered()
	s.setDown(e.Problem)
	s.state.Totals.ReadErrors[ReadError{Source: fork.SourceInfo, Reason: e.Reason}]++
	if !s.asker.downed {
		s.asker.downed = true
		s.do(NoAnswer{Problem: e.Problem})
	}
	s.askAgain(now)
}

func (s *Server) setDown(problem string) {
	s.state.Asked, s.state.Up, s.state.Problem = true, false, problem
}

// restarted begins anew with another run of the server. The forks that it has made
// already were not followed, but for those whose children are found alive.
func (s *Server) restarted(info redisinfo.Info, now time.Time) {
	s.do(Restarted{Version: info.Version})
	s.settle(s.ledger.close(), now)
	s.ledger.total, s.ledger.assumed = info.TotalForks, nil
	s.unseen = int(info.TotalForks.Or(0))
	s.ledger.counted += s.unseen
	s.asker.searchNow()
	s.asker.findWait = 0
	s.detach("the server has been restarted")
}

// settle acts on what the ledger found out.
func (s *Server) settle(l settlement, now time.Time) {
	s.countUnobserved(l.unobservedChildren, l.lostDurations)
	if l.unobservedChildren > 0 {
		s.do(Unseen{Forks: l.unobservedChildren, NoProcess: s.process == nil})
	}
	for _, d := range l.orphans {
		s.observeStall(d.Seconds(), s.state.ResidentBytes)
	}
	for id, d := range l.durations {
		stall, known := d.Get()
		f := s.find(id)
		if f == nil { // closed before it was known
			s.accounts.closed++
			if known {
				s.observeStall(stall.Seconds(), s.state.ResidentBytes)
			}
			continue
		}
		f.settled, f.counted = true, true
		if known {
			f.StallSeconds = opt.Of(stall.Seconds())
		}
	}
	for _, id := range l.uncounted {
		s.uncounted(id, now)
	}
}

// uncounted handles a child that the server does not count among its forks. One that
// still is a copy of the server is kept: a module may call fork(2) itself, and its
// copies cost the same.
func (s *Server) uncounted(id string, now time.Time) {
	f := s.find(id)
	switch {
	case f == nil: // closed: its duration is one that nobody knows
		s.closedUncounted()
	case f.phase == reaped:
		f.settled = true
		s.drop(f, notCounted, now)
	default:
		f.settled = true
		s.do(Verify{ID: id})
	}
}

// notCounted is why a child that the server has not counted, and that is no copy of it,
// is no fork.
const notCounted = "the server does not count it among its forks"

func (s *Server) verified(f *openFork, isCopy bool, now time.Time) {
	if !isCopy {
		s.drop(f, notCounted, now)
		return
	}
	f.uncounted = true
}

// countUnobserved counts forks that nobody followed, and durations that nobody read.
func (s *Server) countUnobserved(children, durations int) {
	s.state.Totals.UnobservedChild += uint64(children)
	s.state.Totals.UnobservedDuration += uint64(durations)
}

// observeStall observes a stall together with the bytes that were forked in it.
// Without the process, the server's own word on its resident bytes has to do.
func (s *Server) observeStall(seconds float64, resident opt.Val[uint64]) {
	if !resident.Present() && s.state.Info != nil {
		resident = s.state.Info.UsedMemoryRSS
	}
	s.state.Totals.Stall.Observe(seconds)
	s.state.Totals.ForkedBytes += resident.Or(0)
}
