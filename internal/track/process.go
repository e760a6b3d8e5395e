package track

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// processFound takes the process that was proved to be the server. What the server has
// counted so far was before the first look at its children: the next reply is the one
// to count from. Forks that it has counted just now may be among the children that
// were found alive.
func (s *Server) processFound(e Found) {
	s.process, s.found = &process{pid: e.PID}, true
	s.noProc, s.asker.findWait = "", 0
	s.held = s.ledger.close()
	s.ledger.total = opt.Val[uint64]{}
	st := &s.state
	st.PID, st.StartTime, st.ProcessProblem = opt.Of(e.PID), e.Start, e.Problem
	st.Available[fork.SourceProcess] = true
	st.Available[fork.SourceChildSmaps], st.Available[fork.SourcePagemap] = e.Smaps, e.Pages
}

func (s *Server) processNotFound(e NotFound) {
	s.forgetProcess(e.Problem)
	s.asker.searchFailed(s.last.at)
	if s.noProc != e.Problem {
		s.noProc = e.Problem
		s.do(NoProcess{Why: e.Problem})
	}
}

// searched ends a search: forks that were waiting for it have a child that was found
// alive, or were not observed.
func (s *Server) searched(now time.Time) {
	if s.found {
		s.found = false
		held := s.held
		s.held = settlement{}
		for _, f := range s.open {
			if f.process != s.process {
				continue
			}
			switch {
			case held.unobservedChildren > 0:
				held.unobservedChildren--
				f.counted = true
			case s.unseen > 0:
				s.unseen--
				s.countUnobserved(0, 1) // its duration is lost all the same
				f.counted = true
			}
		}
		s.settle(held, now)
		s.ask(AskFound, now)
	}
	s.countUnobserved(s.unseen, s.unseen)
	s.unseen = 0
	s.publish(now)
}

// exited notes the death of the server's process. Its children are followed to their
// ends.
func (s *Server) exited(e Exited, now time.Time) {
	if s.process == nil {
		return
	}
	s.settle(s.ledger.close(), now)
	s.process.died = opt.Of(e.At)
	s.detach("the server's process has ended")
	s.asker.searchNow()
	s.ask(AskExited, now)
}

// detach lets go of the process that was the server.
func (s *Server) detach(why string) {
	if s.process == nil {
		return
	}
	s.process.gone = true
	s.process = nil
	s.do(Detach{})
	s.forgetProcess(why)
}

// forgetProcess forgets what was known of the server by its process.
func (s *Server) forgetProcess(why string) {
	st := &s.state
	st.PID, st.StartTime = opt.Val[int]{}, opt.Val[time.Time]{}
	st.ResidentBytes, st.PageTableBytes = opt.Val[uint64]{}, opt.Val[uint64]{}
	st.AnonymousBytes, st.HugeBytes = opt.Val[uint64]{}, opt.Val[uint64]{}
	st.GrowthRate, s.anonymous = opt.Val[float64]{}, nil
	st.Limits = limits.Limits{}
	for source := range st.Available {
		st.Available[source] = false
	}
	st.ProcessProblem = why
}

// memory takes the size of the server's process.
func (s *Server) memory(e Memory, now time.Time) {
	st := &s.state
	st.ResidentBytes, st.PageTableBytes = e.Resident, e.PageTables
	if bytes, ok := e.Resident.Get(); ok {
		if f := s.oldestLiving(); f != nil {
			s.do(Drawn{ID: f.ID, Line: fork.LineResident, At: now, Bytes: bytes})
		}
	}
	st.AnonymousBytes, st.HugeBytes = e.Anonymous, e.Huge
	if bytes, ok := e.Anonymous.Get(); ok {
		s.anonymous.add(now, float64(bytes))
	}
	st.GrowthRate = s.anonymous.rate()
}

// limits takes what the machine leaves the server. What the running children will give
// back is added, as of their last samples.
func (s *Server) limits(l limits.Limits) {
	for _, f := range s.open {
		if f.phase != living {
			continue
		}
		sample, _ := f.sample.Get()
		l.Returned += sample.PrivateDirty + f.PageTableBytes.Or(0)
		l.ReturnedTasks++
		if c, ok := l.Cgroup.Get(); ok {
			f.CgroupLeftBytes = opt.Of(min(c.Left, f.CgroupLeftBytes.Or(c.Left)))
		}
		if left, ok := l.Host.Get(); ok {
			f.HostLeftBytes = opt.Of(min(left, f.HostLeftBytes.Or(left)))
		}
	}
	s.state.Limits = l
}
