package forecast

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// Limit is what bounds a server's memory; the label of a metric.
type Limit string

// The limits.
const (
	LimitCgroup Limit = "cgroup" // a memory cgroup's: beyond it the kernel kills
	LimitHost   Limit = "host"   // the machine's memory: beyond it the kernel swaps or kills
	LimitCommit Limit = "commit" // the commit limit of overcommit mode 2: beyond it the kernel refuses
)

// Limits lists every Limit.
var Limits = [...]Limit{LimitCgroup, LimitHost, LimitCommit}

// Headroom is what a limit leaves the next fork, in bytes. What a running child
// holds counts as returned: it is gone before the server forks again.
type Headroom struct {
	Limit Limit
	Bytes uint64
	// Cgroup is whose limit it is, and Of the limit, for LimitCgroup.
	Cgroup string
	Of     uint64
}

// Headrooms returns what the known limits leave the server st, in the order of Limits.
func Headrooms(st *track.State) []Headroom {
	r := &st.Limits
	var out []Headroom
	if c, ok := r.Cgroup.Get(); ok {
		out = append(out, Headroom{Limit: LimitCgroup, Bytes: c.Left + r.Returned, Cgroup: c.Path, Of: c.Max})
	}
	if left, ok := r.Host.Get(); ok {
		out = append(out, Headroom{Limit: LimitHost, Bytes: left + r.Returned})
	}
	if left, ok := r.Commit.Get(); ok {
		a, _ := r.Committed.Get()
		if !a.AtMost { // how much a child has committed is known
			left += a.Bytes * uint64(r.ReturnedTasks)
		}
		out = append(out, Headroom{Limit: LimitCommit, Bytes: left})
	}
	return out
}

// Throttle returns what memory.high leaves the next fork of the server st, in bytes:
// beyond it the kernel slows the server down. Absent where no cgroup sets it.
func Throttle(st *track.State) opt.Val[uint64] {
	high, ok := st.Limits.High.Get()
	if !ok {
		return opt.Val[uint64]{}
	}
	return opt.Of(high.Left + st.Limits.Returned)
}

// Reason is why the kernel would refuse a fork; the label of a metric.
type Reason string

// The reasons.
const (
	ReasonOvercommit Reason = "overcommit" // by the rule of vm.overcommit_memory and the running kernel
	ReasonTasks      Reason = "tasks"      // pids.max, RLIMIT_NPROC, kernel.threads-max or kernel.pid_max
)

// Reasons lists every Reason.
var Reasons = [...]Reason{ReasonOvercommit, ReasonTasks}

// Rule is how the kernel decides whether a fork is too large.
type Rule string

// The rules, by vm.overcommit_memory and the kernel's version.
const (
	RuleNone   Rule = "none"   // 1: it does not ask
	RuleFree   Rule = "free"   // 0, before Linux 5.2: each mapping against the memory that could be freed
	RuleTotal  Rule = "total"  // 0, from Linux 5.2: each mapping against memory and swap together
	RuleCommit Rule = "commit" // 2: all that is accounted against the commit limit
)

// Rules lists every Rule.
var Rules = [...]Rule{RuleNone, RuleFree, RuleTotal, RuleCommit}

// Refusal is whether the kernel would refuse a fork now for one reason.
type Refusal struct {
	Reason  Reason
	Refused bool
	Rule    Rule   // that decided, for ReasonOvercommit
	Tasks   string // name of the limit that decided, for ReasonTasks
}

// Refusals returns a judgement for every reason that can be judged of the server st, in
// the order of Reasons.
func Refusals(st *track.State, host *limits.Host) []Refusal {
	var out []Refusal
	if r, ok := overcommit(st, host).Get(); ok {
		out = append(out, r)
	}
	if t, ok := st.Limits.Tasks.Get(); ok {
		out = append(out, Refusal{Reason: ReasonTasks, Refused: t.Left+int64(st.Limits.ReturnedTasks) < 1, Tasks: t.Name})
	}
	return out
}

// overcommit returns whether the kernel would refuse a fork of st for what it would
// have to commit; absent where that can't be judged.
func overcommit(st *track.State, host *limits.Host) opt.Val[Refusal] {
	mode, ok := host.OvercommitMode.Get()
	if !ok || st.Limits.At.IsZero() {
		return opt.Val[Refusal]{}
	}
	r := Refusal{Reason: ReasonOvercommit, Rule: rule(mode, host.Kernel)}
	if r.Rule == RuleNone {
		return opt.Of(r)
	}
	a, ok := st.Limits.Committed.Get()
	passes := ok && st.Limits.Passes(a)
	if !ok || !passes && a.AtMost {
		return opt.Val[Refusal]{} // no smaps: it may be refused or not
	}
	r.Refused = !passes
	return opt.Of(r)
}

// rule returns what a kernel goes by in an overcommit mode; an unknown one counts as new.
func rule(mode int, kernel opt.Val[limits.Kernel]) Rule {
	v, known := kernel.Get()
	switch {
	case mode == 1:
		return RuleNone
	case mode == 2:
		return RuleCommit
	case known && v.Before(5, 2):
		return RuleFree
	}
	return RuleTotal
}

// KilledInFork reports whether fork(2) itself would exceed the server's memory cgroup,
// by the page tables that it has to make: the kernel does not refuse that, it kills,
// and there is nobody but the server. Absent where the cgroup can't be seen, or the
// size of the page tables is not known.
func KilledInFork(st *track.State) opt.Val[bool] {
	tables, ok := st.PageTableBytes.Get()
	if !ok || !st.Limits.CgroupSeen {
		return opt.Val[bool]{}
	}
	c, limited := st.Limits.Cgroup.Get()
	return opt.Of(limited && c.Left+st.Limits.Returned < tables)
}
