package pages

import (
	"html/template"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// survival is what the landing page says of a server's next fork.
type survival struct {
	Answer string
	Class  string // of the badge
	Why    string
	Needs  []needRow
	// Expected is the forecast in words, and Basis what it is made from or why there
	// is none.
	Kind       fork.Kind
	Memory     opt.Val[uint64]
	PageTables opt.Val[uint64]
	Stall      opt.Val[float64]
	Lifetime   opt.Val[float64]
	Basis      string
	StallBasis string
	Slowed     opt.Val[uint64]
	Unjudged   bool // whether the kernel would refuse it for its size is not known
}

// needRow sets a limit against what the fork needs of it.
type needRow struct {
	Limit        string
	Note         string
	Needs, Worst opt.Val[uint64]
	Has          opt.Val[uint64]
	Left         template.HTML
}

func survivalOf(st *history.ServerState, host *limits.Host) survival {
	next := forecast.Next(st)
	s := forecast.Survive(st, host, next)
	out := survival{Answer: answerWord(s.Verdict), Class: answerClass(s.Verdict), Why: s.Why, Kind: next.Kind, Basis: next.NoBasis, Lifetime: next.LifetimeSeconds, Slowed: s.SlowedBelow}
	if m, ok := next.Memory.Get(); ok {
		out.Memory, out.PageTables, out.Basis = opt.Of(m.Extra), opt.Of(m.PageTables), m.Why
	}
	if stall, ok := next.Stall.Get(); ok {
		out.Stall, out.StallBasis = opt.Of(stall.Seconds), stall.Why
	}
	for _, n := range s.Needs {
		row := needRow{Needs: n.Needs, Worst: n.Worst, Has: opt.Of(n.Bytes), Left: leftHTML(n.Left())}
		row.Limit, row.Note = limitWords(n.Headroom)
		out.Needs = append(out.Needs, row)
	}
	out.Unjudged = !st.Limits.At.IsZero()
	for _, r := range s.Refusals {
		if r.Reason == forecast.ReasonOvercommit {
			out.Unjudged = false
		}
	}
	return out
}

func answerWord(v forecast.Verdict) string {
	switch v {
	case forecast.Yes:
		return "Yes"
	case forecast.Likely:
		return "Probably"
	case forecast.No:
		return "No"
	case forecast.Unknown:
	}
	return "Not known"
}

func answerClass(v forecast.Verdict) string {
	switch v {
	case forecast.Yes:
		return "is-ok"
	case forecast.Likely:
		return "is-cut"
	case forecast.No:
		return "is-bad"
	case forecast.Unknown:
	}
	return "is-unk"
}

func limitWords(h forecast.Headroom) (name, note string) {
	switch h.Limit {
	case forecast.LimitCgroup:
		return "memory cgroup", h.Cgroup + ", " + words.Bytes(h.Of) + "; beyond it the kernel kills"
	case forecast.LimitHost:
		return "host", "memory to be had without swapping"
	case forecast.LimitCommit:
		return "commit limit", "of what the kernel accounts, whether it is copied or not; beyond it the kernel refuses"
	}
	return string(h.Limit), ""
}

// leftHTML is what is left, or how much is missing.
func leftHTML(left opt.Val[int64]) template.HTML {
	n, ok := left.Get()
	switch {
	case !ok:
		return none
	case n < 0:
		return `<strong class="text-bad">` + titled(words.Bytes(uint64(-n))+" short", words.ExactBytes(uint64(-n))+" are missing") + `</strong>`
	}
	return titled(words.Bytes(uint64(n)), words.ExactBytes(uint64(n)))
}
