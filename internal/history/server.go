package history

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// Server is one server's part of a Store. Its methods are safe for concurrent use.
type Server struct {
	mu    sync.Mutex
	state ServerState
	open  []*running    // oldest first
	ring  []fork.Record // oldest first, at most RingSize
	feed  feed

	changes   changes
	anonymous window
}

// running is a fork whose record is not closed yet.
type running struct {
	fork.Record
	dead      bool      // the child has ended; only the record waits
	died      time.Time // when
	accounted time.Time // up to here its life is in Totals.ChildSeconds
	sample    opt.Val[fork.Sample]
	extra     opt.Val[fork.Extra]
	feed      inFeed
	counted   struct { // of its copies, in Totals
		bytes, faults uint64
		stall         float64
	}
	changesAtBirth opt.Val[float64] // as changes counts
}

func newServer(name, addr string) *Server {
	s := &Server{state: ServerState{
		Name:      name,
		Addr:      addr,
		Problem:   "not asked yet",
		Available: map[fork.Source]bool{fork.SourceProcess: false, fork.SourceChildSmaps: false, fork.SourcePagemap: false, fork.SourceCgroup: false, fork.SourceTaskstats: false},
		Seen:      map[fork.Kind]bool{},
		Last:      map[fork.Kind]LastFork{},
		Totals: Totals{
			Stall:           NewHistogram(StallLimits...),
			PeakRatio:       NewHistogram(PeakRatioLimits...),
			Children:        map[fork.Kind]uint64{},
			Failed:          map[fork.Kind]map[fork.Reason]uint64{},
			Cancelled:       map[fork.Kind]uint64{},
			ChildSeconds:    map[fork.Kind]float64{},
			Refused:         map[fork.Kind]uint64{fork.KindRDB: 0, fork.KindAOF: 0},
			ReadErrors:      map[ReadError]uint64{},
			SamplerReads:    map[fork.Source]uint64{fork.SourceChildSmaps: 0, fork.SourcePagemap: 0, fork.SourceCounters: 0},
			SamplerDeferred: map[fork.Source]uint64{fork.SourceChildSmaps: 0, fork.SourcePagemap: 0},
			SamplerSeconds:  map[fork.Source]float64{fork.SourceChildSmaps: 0, fork.SourcePagemap: 0, fork.SourceCounters: 0},
		},
	}}
	for _, e := range ReadErrors {
		s.state.Totals.ReadErrors[e] = 0
	}
	for _, k := range []fork.Kind{fork.KindRDB, fork.KindAOF, fork.KindReplication} {
		s.seen(k)
	}
	return s
}

// seen makes a kind's counters exist, at zero, so that its first fork is an
// increase and not a birth, which rate() could not see.
func (s *Server) seen(k fork.Kind) {
	if s.state.Seen[k] {
		return
	}
	s.state.Seen[k] = true
	t := &s.state.Totals
	t.Children[k], t.Cancelled[k], t.ChildSeconds[k] = 0, 0, 0
	t.Failed[k] = make(map[fork.Reason]uint64, len(fork.Reasons))
	for _, r := range fork.Reasons {
		t.Failed[k][r] = 0
	}
}

// SetInfo stores a good reply to INFO.
func (s *Server) SetInfo(info redisinfo.Info, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Asked, s.state.Up, s.state.Info, s.state.InfoAt = true, true, &info, at
	s.state.Problem = ""
	s.changes.reply(info, at)
	s.state.WriteRate = s.changes.counted.rate()
	for _, r := range s.open {
		if !r.dead {
			s.noteChangesAtBirth(r)
			s.addExtraPoint(r)
		}
	}
}

// SetDown says that INFO was not answered, and why.
func (s *Server) SetDown(problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Asked, s.state.Up, s.state.Problem = true, false, problem
}

// SetSavePoint stores the longest save point.
func (s *Server) SetSavePoint(longest opt.Val[redisinfo.SavePoint]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.SavePoint = longest
}

// SetProcess says which process was proved to be the server.
func (s *Server) SetProcess(pid int, start opt.Val[time.Time]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.PID, s.state.StartTime = opt.Of(pid), start
	s.state.Available[fork.SourceProcess], s.state.ProcessProblem = true, ""
}

// SetProcessProblem says what of the proved process can't be read, and the remedy.
func (s *Server) SetProcessProblem(problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.ProcessProblem = problem
}

// SetNoProcess says that there is no proved process, and why.
func (s *Server) SetNoProcess(problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	st.PID, st.StartTime = opt.Val[int]{}, opt.Val[time.Time]{}
	st.ResidentBytes, st.PageTableBytes = opt.Val[uint64]{}, opt.Val[uint64]{}
	st.AnonymousBytes, st.HugeBytes = opt.Val[uint64]{}, opt.Val[uint64]{}
	st.GrowthRate, s.anonymous = opt.Val[float64]{}, nil
	st.Limits = limits.Limits{}
	for source := range st.Available {
		st.Available[source] = false
	}
	st.ProcessProblem = problem
}

// SetAvailable says whether a source works.
func (s *Server) SetAvailable(source fork.Source, ok bool) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed = s.state.Available[source] != ok
	s.state.Available[source] = ok
	return changed
}

// SetMemory stores the verified process's VmRSS and VmPTE.
func (s *Server) SetMemory(resident, pageTables opt.Val[uint64]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.ResidentBytes, s.state.PageTableBytes = resident, pageTables
	s.feedResident(time.Now())
}

// SetAnonymous stores the verified process's RssAnon, and how much of it is huge
// pages.
func (s *Server) SetAnonymous(anonymous, huge opt.Val[uint64], at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.AnonymousBytes, s.state.HugeBytes = anonymous, huge
	if bytes, ok := anonymous.Get(); ok {
		s.anonymous.add(at, float64(bytes))
	}
	s.state.GrowthRate = s.anonymous.rate()
}

// SetLimits stores what the machine leaves the server. What the running children
// will give back is added to it here, as of their last samples.
func (s *Server) SetLimits(l limits.Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.open {
		if r.dead {
			continue
		}
		sample, _ := r.sample.Get()
		l.Returned += sample.PrivateDirty + r.PageTableBytes.Or(0)
		l.ReturnedTasks++
		if c, ok := l.Cgroup.Get(); ok {
			r.CgroupLeftBytes = opt.Of(min(c.Left, r.CgroupLeftBytes.Or(c.Left)))
		}
		if left, ok := l.Host.Get(); ok {
			r.HostLeftBytes = opt.Of(min(left, r.HostLeftBytes.Or(left)))
		}
	}
	s.state.Limits = l
}

// CountReadError counts a failed read; e is one of ReadErrors.
func (s *Server) CountReadError(e ReadError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Totals.ReadErrors[e]++
}

// CountUnobserved counts forks that nobody followed, and durations that nobody read.
func (s *Server) CountUnobserved(children, durations int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Totals.UnobservedChild += uint64(children)
	s.state.Totals.UnobservedDuration += uint64(durations)
}

// CountRefused counts forks that the kernel refused.
func (s *Server) CountRefused(kind fork.Kind, n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Totals.Refused[kind] += n
}

// CountSampler adds one read of a source that took cost.
func (s *Server) CountSampler(source fork.Source, cost time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Totals.SamplerReads[source]++
	s.state.Totals.SamplerSeconds[source] += cost.Seconds()
}

// CountDeferred counts a read that was put off to stay within the budget.
func (s *Server) CountDeferred(source fork.Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Totals.SamplerDeferred[source]++
}

// ObserveStall observes the duration of a fork that has no record to carry it:
// it was never seen, or its record was closed before the duration was known.
func (s *Server) ObserveStall(seconds float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observeStall(seconds, s.state.ResidentBytes)
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

// State copies the server's state as of now.
func (s *Server) State() ServerState {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	out := s.state
	out.Children = nil
	out.COW, out.COWAt = opt.Val[fork.Reported]{}, time.Time{}
	for _, r := range s.open {
		if r.dead {
			continue
		}
		s.account(r, now)
		out.Children = append(out.Children, Child{
			Kind: r.Kind, Start: r.Start, Partial: r.Partial, Sample: r.sample,
		})
		if n := len(r.Reported); n > 0 {
			out.COW = opt.Of(r.Reported[n-1])
			out.COWAt = r.At(r.Reported[n-1].Seconds)
		}
	}
	out.Totals = s.state.Totals.clone()
	out.Available, out.Seen = maps.Clone(s.state.Available), maps.Clone(s.state.Seen)
	out.Last = maps.Clone(s.state.Last)
	out.Recent = s.recent()
	return out
}

// recent are the last RecentForks closed forks of each kind, newest first.
func (s *Server) recent() []fork.Record {
	var out []fork.Record
	of := map[fork.Kind]int{}
	for _, f := range slices.Backward(s.ring) {
		if of[f.Kind] < RecentForks {
			of[f.Kind]++
			out = append(out, f)
		}
	}
	return out
}

// Forks returns the running and the kept forks, newest first.
func (s *Server) Forks() []fork.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.ring)
	for _, r := range s.open {
		out = append(out, r.Record)
	}
	slices.SortStableFunc(out, func(a, b fork.Record) int { return b.Start.Compare(a.Start) })
	return out
}

func (s *Server) fork(id string) (fork.Record, bool) {
	for _, f := range s.Forks() {
		if f.ID == id {
			return f, true
		}
	}
	return fork.Record{}, false
}
