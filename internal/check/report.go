package check

import (
	"cmp"
	"slices"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// Report is what was found about one server. Its JSON form is that of
// --format=json.
type Report struct {
	Server string `json:"server"` // configured name
	Addr   string `json:"addr"`
	Status int    `json:"status"`          // the exit status that this server is good for
	Error  string `json:"error,omitempty"` // why it could not be asked; then there is nothing else

	Software      string           `json:"software,omitempty"`
	Version       string           `json:"version,omitempty"`
	PID           opt.Val[int]     `json:"pid,omitzero"`
	ResidentBytes opt.Val[uint64]  `json:"resident_bytes,omitzero"`
	Verdict       forecast.Verdict `json:"survives_next_fork,omitempty"`
	Why           string           `json:"why,omitempty"`
	Fork          *Fork            `json:"forecast,omitempty"`
	Limits        []Limit          `json:"limits,omitempty"`
	Findings      []Finding        `json:"findings,omitempty"` // the worst first

	survival forecast.Survival
	state    track.State
}

// Fork is what the next fork is expected to cost.
type Fork struct {
	Kind            fork.Kind        `json:"kind"`
	StallSeconds    opt.Val[float64] `json:"stall_seconds,omitzero"`
	MemoryBytes     opt.Val[uint64]  `json:"memory_bytes,omitzero"`
	Basis           string           `json:"memory_basis,omitempty"`
	WorstCaseBytes  opt.Val[uint64]  `json:"worst_case_memory_bytes,omitzero"`
	LifetimeSeconds opt.Val[float64] `json:"lifetime_seconds,omitzero"`
}

// Limit is what one limit leaves.
type Limit struct {
	Limit     forecast.Limit  `json:"limit"`
	Cgroup    string          `json:"cgroup,omitempty"`     // whose limit it is
	Bytes     opt.Val[uint64] `json:"limit_bytes,omitzero"` // of that limit
	HasBytes  uint64          `json:"has_bytes"`
	NeedBytes opt.Val[uint64] `json:"needs_bytes,omitzero"`
	LeftBytes opt.Val[int64]  `json:"left_bytes,omitzero"` // below 0: too little
}

// judge returns the report on f.
func judge(f facts) Report {
	st := f.state
	r := Report{Server: st.Name, Addr: st.Addr, state: st}
	if !st.Up {
		r.Error = st.Problem
		r.Status = StatusAsk
		return r
	}
	s := forecast.Survive(&st, &f.host, forecast.Next(&st))
	r.survival = s
	r.PID, r.ResidentBytes = st.PID, st.ResidentBytes
	r.Software, r.Version = f.info().Software, f.info().Version
	r.Verdict, r.Why = s.Verdict, words.Why(s.Why)
	r.Fork = &Fork{Kind: s.Fork.Kind, WorstCaseBytes: s.Fork.WorstCase, LifetimeSeconds: s.Fork.LifetimeSeconds}
	if stall, ok := s.Fork.Stall.Get(); ok {
		r.Fork.StallSeconds = opt.Of(stall.Seconds)
	}
	if m, ok := s.Fork.Memory.Get(); ok {
		r.Fork.MemoryBytes, r.Fork.Basis = opt.Of(m.Bytes), string(m.Basis)
	}
	for _, n := range s.Needs {
		l := Limit{Limit: n.Limit, Cgroup: n.Cgroup, HasBytes: n.Bytes, NeedBytes: n.Needs, LeftBytes: n.Left()}
		if n.Limit == forecast.LimitCgroup {
			l.Bytes = opt.Of(n.Of)
		}
		r.Limits = append(r.Limits, l)
	}
	r.Findings = f.findings(&s)
	r.Status = r.status()
	return r
}

// findings returns all findings, the worst first.
func (f *facts) findings(s *forecast.Survival) []Finding {
	all := []Finding{
		f.refused(s), f.limited(s), f.scored(), f.grouped(), f.overcommitted(s), f.paged(), f.withoutTHP(),
		f.ended(), f.stopping(), f.room(), f.stalled(s), f.points(), f.syncing(),
		f.found(), f.readable(), f.outcome(), f.ownCgroup(), f.accounted(), f.answered(), f.remembered(s),
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(rank(b.Level), rank(a.Level)) })
	return all
}

func rank(l Level) int {
	return slices.Index([]Level{OK, Unknown, Warn, Fail}, l)
}

// status returns the exit status that the report is good for. What is unknown is a
// warning: it may be anything.
func (r *Report) status() int {
	if r.Error != "" {
		return StatusAsk
	}
	status := StatusOK
	switch r.Verdict {
	case forecast.No:
		status = StatusFail
	case forecast.Unknown:
		status = StatusWarn
	case forecast.Yes, forecast.Likely:
	}
	for _, f := range r.Findings {
		switch f.Level {
		case Fail:
			status = max(status, StatusFail)
		case Warn, Unknown:
			status = max(status, StatusWarn)
		case OK:
		}
	}
	return status
}
