package pages

import (
	"html/template"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// survival is what the landing page says of a server's next fork.
type survival struct {
	Answer string
	Class  string // of the badge
	Why    string
	Needs  []needRow
	Kind   fork.Kind
	// Basis is what the forecast of the memory is made from, or why there is none;
	// StallBasis likewise of the stall.
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

func survivalOf(st *track.State, host *limits.Host) survival {
	next := forecast.Next(st)
	s := forecast.Survive(st, host, next)
	out := survival{Answer: words.Verdict(s.Verdict), Class: answerClass(s.Verdict), Why: words.Why(s.Why), Kind: next.Kind, Basis: words.NoBasis(next.NoMemory), StallBasis: words.NoBasis(next.NoStall), Lifetime: next.LifetimeSeconds, Slowed: s.SlowedBelow}
	if m, ok := next.Memory.Get(); ok {
		out.Memory, out.PageTables, out.Basis = opt.Of(m.Extra), opt.Of(m.PageTables), words.Memory(m)
	}
	if stall, ok := next.Stall.Get(); ok {
		out.Stall, out.StallBasis = opt.Of(stall.Seconds), words.Stall(stall)
	}
	for _, n := range s.Needs {
		row := needRow{Needs: n.Needs, Worst: n.Worst, Has: opt.Of(n.Bytes), Left: leftHTML(n.Left())}
		row.Limit, row.Note = limitWords(n.Headroom)
		out.Needs = append(out.Needs, row)
	}
	_, judged := s.Refusal(forecast.ReasonOvercommit)
	out.Unjudged = !judged && !st.Limits.At.IsZero()
	return out
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
	name = words.Limit(h.Limit)
	switch h.Limit {
	case forecast.LimitCgroup:
		return name, h.Cgroup + ", " + words.Bytes(h.Of) + "; beyond it the kernel kills"
	case forecast.LimitHost:
		return name, "memory to be had without swapping"
	case forecast.LimitCommit:
		return name, "of what the kernel accounts, whether it is copied or not; beyond it the kernel refuses"
	}
	return name, ""
}

// leftHTML returns how much is left, or how much is missing where left is below 0.
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
