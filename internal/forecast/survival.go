package forecast

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// Verdict answers: will it survive the next fork?
type Verdict string

// The verdicts.
const (
	Yes     Verdict = "yes"     // also if every page is written to
	Likely  Verdict = "likely"  // as expected it fits; in the worst case it does not, or a limit can't be seen
	No      Verdict = "no"      // refused, killed, or not enough for what is expected
	Unknown Verdict = "unknown" // no forecast yet, or no limit can be read
)

// Verdicts lists every Verdict.
var Verdicts = [...]Verdict{Yes, Likely, No, Unknown}

// Ground is what a verdict rests on.
type Ground string

// The grounds.
const (
	Refused      Ground = "refused"       // of No: the kernel would refuse the fork
	Killed       Ground = "killed"        // of No: the kernel would kill the server in fork(2)
	TooLittle    Ground = "too_little"    // of No: a limit leaves less than is expected to be needed
	WorstFits    Ground = "worst_fits"    // of Yes: there is room even for the worst case
	WorstExceeds Ground = "worst_exceeds" // of Likely: there is room for what is expected, and not for the worst case
	CgroupUnseen Ground = "cgroup_unseen" // of Likely: the host has room, and the cgroup can't be seen
	NoLimits     Ground = "no_limits"     // of Unknown: no limit can be read
	NoForecast   Ground = "no_forecast"   // of Unknown: there is no room for the worst case, and no forecast
)

// Grounds lists every Ground.
var Grounds = [...]Ground{Refused, Killed, TooLittle, WorstFits, WorstExceeds, CgroupUnseen, NoLimits, NoForecast}

// Why is a ground with its particulars.
type Why struct {
	Ground  Ground
	Refusal Refusal // of Refused
	Limit   Limit   // of TooLittle: the one that leaves too little
}

// Need sets what the next fork needs of a limit against what it has.
type Need struct {
	Headroom
	Needs opt.Val[uint64] // absent without a basis
	Worst opt.Val[uint64] // in the worst case; the same as Needs for the commit limit
}

// Left returns by how much the headroom exceeds the need; below 0 where it does not.
func (n Need) Left() opt.Val[int64] {
	needs, ok := n.Needs.Get()
	if !ok {
		return opt.Val[int64]{}
	}
	return opt.Of(int64(n.Bytes) - int64(needs))
}

// fits reports whether need is known and no more than has.
func fits(need opt.Val[uint64], has uint64) bool {
	n, ok := need.Get()
	return ok && n <= has
}

// Survival is the answer, with everything that it is made from.
type Survival struct {
	Verdict      Verdict
	Why          Why
	Fork         Fork   // the forecast that it is about
	Needs        []Need // per limit
	Refusals     []Refusal
	KilledInFork opt.Val[bool]
	// SlowedBelow is what is left below memory.high, if the fork would exceed that:
	// the kernel then slows the server down.
	SlowedBelow opt.Val[uint64]
}

// Survive returns whether the server st survives the fork f, such as that of Next, and
// all that this is made from.
func Survive(st *track.State, host *limits.Host, f Fork) Survival {
	s := Survival{Fork: f, Refusals: Refusals(st, host), KilledInFork: KilledInFork(st)}
	var needs opt.Val[uint64]
	if m, ok := f.Memory.Get(); ok {
		needs = opt.Of(m.Bytes)
	}
	for _, h := range Headrooms(st) {
		n := Need{Headroom: h, Needs: needs, Worst: f.WorstCase}
		if h.Limit == LimitCommit {
			n.Needs = commits(&st.Limits)
			n.Worst = n.Needs
		}
		s.Needs = append(s.Needs, n)
	}
	if left, ok := Throttle(st).Get(); ok && needs.Present() && !fits(needs, left) {
		s.SlowedBelow = opt.Of(left)
	}
	s.Verdict, s.Why = s.judge(&st.Limits)
	return s
}

// commits returns what a fork would have to commit; absent where only a bound is known
// that does not settle the question.
func commits(r *limits.Limits) opt.Val[uint64] {
	a, ok := r.Committed.Get()
	if !ok || a.AtMost && !r.Passes(a) {
		return opt.Val[uint64]{}
	}
	return opt.Of(a.Bytes)
}

// Refusal returns the refusal that was judged for reason, and whether there is one.
func (s *Survival) Refusal(reason Reason) (r Refusal, judged bool) {
	for _, r := range s.Refusals {
		if r.Reason == reason {
			return r, true
		}
	}
	return Refusal{}, false
}

// judge returns the verdict and what it rests on.
func (s *Survival) judge(l *limits.Limits) (Verdict, Why) {
	for _, r := range s.Refusals {
		if r.Refused {
			return No, Why{Ground: Refused, Refusal: r}
		}
	}
	if s.KilledInFork.Or(false) {
		return No, Why{Ground: Killed}
	}
	memory, worst := false, true
	for _, n := range s.Needs {
		if n.Limit == LimitCommit {
			continue // judged as a refusal
		}
		memory = true
		worst = worst && fits(n.Worst, n.Bytes)
		if n.Needs.Present() && !fits(n.Needs, n.Bytes) {
			return No, Why{Ground: TooLittle, Limit: n.Limit}
		}
	}
	switch {
	case !memory:
		return Unknown, Why{Ground: NoLimits}
	case worst && l.CgroupSeen:
		return Yes, Why{Ground: WorstFits}
	case !s.Fork.Memory.Present():
		return Unknown, Why{Ground: NoForecast}
	case worst:
		return Likely, Why{Ground: CgroupUnseen}
	default:
		return Likely, Why{Ground: WorstExceeds}
	}
}
