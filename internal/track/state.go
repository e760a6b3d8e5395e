package track

import (
	"maps"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// RecentForks is how many closed forks of each kind a State has at most.
const RecentForks = 10

// ReadSources are those whose readings are counted, so that each exists, at zero, from
// the start.
var ReadSources = [...]fork.Source{
	fork.SourceInfo, fork.SourceProcess, fork.SourceChildSmaps, fork.SourcePagemap, fork.SourceCounters,
}

// TimedSources are the ReadSources whose readings take place while a child lives, and
// whose CPU time is measured.
var TimedSources = [...]fork.Source{fork.SourceChildSmaps, fork.SourcePagemap, fork.SourceCounters}

// ReadError is a kind of failed read: where, and one of a few reasons.
type ReadError struct {
	Source fork.Source
	Reason string
}

// ReadErrors lists every ReadError that is counted, so that each exists, at
// zero, from the start.
var ReadErrors = [...]ReadError{
	{fork.SourceInfo, "unreachable"}, // no such host, connection refused or cut
	{fork.SourceInfo, "timeout"},     // connected or not, no answer in time
	{fork.SourceInfo, "auth"},        // password missing or wrong, or the user may not call INFO
	{fork.SourceInfo, "tls"},
	{fork.SourceInfo, "busy"},     // -BUSY or -LOADING instead of an answer
	{fork.SourceInfo, "protocol"}, // an answer that is no INFO reply
	{fork.SourceProcess, fork.ReasonDenied},
	{fork.SourceProcess, fork.ReasonFailed},
	{fork.SourceChildSmaps, fork.ReasonDenied},
	{fork.SourceChildSmaps, fork.ReasonFailed},
	{fork.SourcePagemap, fork.ReasonDenied},
	{fork.SourcePagemap, fork.ReasonFailed},
	{fork.SourceCounters, fork.ReasonDenied},
	{fork.SourceCounters, fork.ReasonFailed},
}

// Child is a running fork's child as of its last sample.
type Child struct {
	Kind    fork.Kind
	Start   time.Time // birth
	Partial bool
	// Sample is absent until the first good read.
	Sample opt.Val[fork.Sample]
}

// LastFork is what a kind's last closed fork left for the last_* metrics, set
// in one step. Absent fields were not known.
type LastFork struct {
	ID              string
	Start           time.Time
	Outcome         fork.Outcome
	StallSeconds    opt.Val[float64]
	LifetimeSeconds opt.Val[float64]
	ResidentBytes   opt.Val[uint64]
	PeakBytes       opt.Val[uint64]
	ExtraPeakBytes  opt.Val[uint64]
	ReportedBytes   opt.Val[uint64]

	CopiedBytes      opt.Val[uint64]
	CopyStallSeconds opt.Val[float64]
	TailSeconds      opt.Val[float64] // of the last fork of the kind whose tail has ended; absent while that of the last one goes on
}

// Totals are one server's counters since the exporter started. They go up only.
type Totals struct {
	Stall        Histogram // seconds; one observation per fork whose duration is known
	PeakRatio    Histogram // peak private dirty ÷ resident bytes at the fork; one per whole fork with both known
	ForkedBytes  uint64    // resident bytes summed over the forks in Stall
	Children     map[fork.Kind]uint64
	Failed       map[fork.Kind]map[fork.Reason]uint64
	Cancelled    map[fork.Kind]uint64
	ChildSeconds map[fork.Kind]float64 // a living child's seconds so far are included after Scraped
	Refused      map[fork.Kind]uint64  // rdb and aof
	// Forks that the server counted and nobody followed, and forks whose
	// duration was overwritten by a later fork before INFO answered.
	UnobservedChild    uint64
	UnobservedDuration uint64
	// CopiedBytes and CopyStallSeconds grow while a child lives, by what can be
	// known then.
	CopiedBytes      uint64
	CopyStallSeconds float64
	// EstimatedCopyStallSeconds is of the forks for which CopyStallSeconds is not
	// known, and grows at the death of a child. Absent before the first fork that
	// could be estimated at its birth: with huge pages, say, there never is any.
	EstimatedCopyStallSeconds opt.Val[float64]
	CopyFaults                uint64 // write faults while a child lived
	TailFaults                uint64 // write faults after its death

	ReadErrors    map[ReadError]uint64
	Reads         map[fork.Source]uint64  // of ReadSources, failed ones included
	ReadsDeferred map[fork.Source]uint64  // readings put off to stay within the budget
	ReadSeconds   map[fork.Source]float64 // CPU time of the readings, of TimedSources
}

// State is everything there is to say about one server at one moment. It
// is a copy: whoever holds it may keep it, and must not change it.
type State struct {
	Name string // configured name, the label "server"
	Addr string // configured address, never with credentials

	Asked bool // INFO was answered, or was not, at least once
	Up    bool
	// Problem says in one sentence why Up is false and what to do; empty when
	// all is well. ProcessProblem says the same of the process and of what can be
	// read of it.
	Problem        string
	ProcessProblem string
	Info           *redisinfo.Info // last good reply; nil before the first, and stale when Up is false
	InfoAt         time.Time

	// Available tells per source whether it works.
	Available map[fork.Source]bool
	PID       opt.Val[int] // of the verified process
	StartTime opt.Val[time.Time]
	// ResidentBytes and PageTableBytes are the verified process's VmRSS and VmPTE.
	ResidentBytes  opt.Val[uint64]
	PageTableBytes opt.Val[uint64]
	// AnonymousBytes is its RssAnon: what writes can make a fork copy. HugeBytes is
	// how much of it is huge pages, where its own memory cgroup tells.
	AnonymousBytes opt.Val[uint64]
	HugeBytes      opt.Val[uint64]
	// WriteRate is how many keys a second were changed, and GrowthRate by how many
	// bytes a second the anonymous memory grew (below 0: shrank), over the last half minute.
	WriteRate  opt.Val[float64]
	GrowthRate opt.Val[float64]
	// Limits are what the machine leaves it.
	Limits limits.Limits
	// Recent are the last closed forks of each kind, at most RecentForks of each,
	// newest first.
	Recent []fork.Record

	// Children are the running ones, oldest first; nearly always none or one.
	Children []Child
	// Seen are the kinds whose series exist: rdb, aof and replication always,
	// the others once one was born.
	Seen   map[fork.Kind]bool
	Totals Totals
	Last   map[fork.Kind]LastFork
	// COW is the server's newest figure about a running child, absent without one.
	COW opt.Val[fork.Reported]
	// COWAt is the moment COW was measured.
	COWAt time.Time
	// SavePoint is the longest one; absent when CONFIG GET is
	// not allowed or no save point is set.
	SavePoint opt.Val[redisinfo.SavePoint]
}

func newState(name, addr string) State {
	st := State{
		Name:      name,
		Addr:      addr,
		Problem:   "not asked yet",
		Available: map[fork.Source]bool{fork.SourceProcess: false, fork.SourceChildSmaps: false, fork.SourcePagemap: false, fork.SourceCgroup: false, fork.SourceTaskstats: false},
		Seen:      map[fork.Kind]bool{},
		Last:      map[fork.Kind]LastFork{},
		Totals: Totals{
			Stall:         NewHistogram(StallLimits...),
			PeakRatio:     NewHistogram(PeakRatioLimits...),
			Children:      map[fork.Kind]uint64{},
			Failed:        map[fork.Kind]map[fork.Reason]uint64{},
			Cancelled:     map[fork.Kind]uint64{},
			ChildSeconds:  map[fork.Kind]float64{},
			Refused:       map[fork.Kind]uint64{fork.KindRDB: 0, fork.KindAOF: 0},
			ReadErrors:    map[ReadError]uint64{},
			Reads:         map[fork.Source]uint64{},
			ReadsDeferred: map[fork.Source]uint64{},
			ReadSeconds:   map[fork.Source]float64{},
		},
	}
	for _, e := range ReadErrors {
		st.Totals.ReadErrors[e] = 0
	}
	for _, source := range ReadSources {
		st.Totals.Reads[source] = 0
	}
	for _, source := range TimedSources {
		st.Totals.ReadSeconds[source] = 0
	}
	return st
}

// see makes a kind's counters exist, at zero, so that its first fork is an
// increase and not a birth, which rate() could not see.
func (s *Server) see(k fork.Kind) {
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

// State returns a copy of what there is to say now. Recent is left to whoever keeps the
// closed records.
func (s *Server) State() State {
	out := s.state
	out.Totals = s.state.Totals.clone()
	out.Available, out.Seen = maps.Clone(s.state.Available), maps.Clone(s.state.Seen)
	out.Last = maps.Clone(s.state.Last)
	for _, f := range s.open {
		if f.phase != living {
			continue
		}
		out.Children = append(out.Children, Child{
			Kind: f.Kind, Start: f.Start, Partial: f.Partial, Sample: f.sample,
		})
		if n := len(f.Reported); n > 0 {
			out.COW = opt.Of(f.Reported[n-1])
			out.COWAt = f.At(f.Reported[n-1].Seconds)
		}
	}
	return out
}
