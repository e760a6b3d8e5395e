package forecast

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
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

// Headrooms are what the known limits leave, in the order of Limits.
func Headrooms(st *history.ServerState) []Headroom {
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

// Reason is why the kernel would refuse a fork; the label of a metric.
type Reason string

// The reasons.
const (
	ReasonOvercommit Reason = "overcommit" // by the rule of vm.overcommit_memory and the running kernel
	ReasonTasks      Reason = "tasks"      // pids.max, RLIMIT_NPROC, kernel.threads-max or kernel.pid_max
)

// Reasons lists every Reason.
var Reasons = [...]Reason{ReasonOvercommit, ReasonTasks}

// Refusal tells whether the kernel would refuse a fork now for one reason.
type Refusal struct {
	Reason  Reason
	Refused bool
	Why     string // one sentence for people
}

// Refusals judges every reason that can be judged, in the order of Reasons.
func Refusals(st *history.ServerState, host *limits.Host) []Refusal {
	var out []Refusal
	if r, ok := overcommit(st, host).Get(); ok {
		out = append(out, r)
	}
	if t, ok := st.Limits.Tasks.Get(); ok {
		r := Refusal{Reason: ReasonTasks, Refused: t.Left+int64(st.Limits.ReturnedTasks) < 1, Why: "there is room for one more process below " + t.Name}
		if r.Refused {
			r.Why = t.Name + " is reached: not one more process may be made"
		}
		out = append(out, r)
	}
	return out
}

// overcommit judges by the size of what a fork would have to commit.
func overcommit(st *history.ServerState, host *limits.Host) opt.Val[Refusal] {
	mode, ok := host.OvercommitMode.Get()
	if !ok || st.Limits.At.IsZero() {
		return opt.Val[Refusal]{}
	}
	r := Refusal{Reason: ReasonOvercommit, Why: "vm.overcommit_memory is 1: the kernel refuses no fork for its size"}
	if mode == 1 {
		return opt.Of(r)
	}
	a, ok := st.Limits.Committed.Get()
	if passes := ok && st.Limits.Passes(a); !ok || !passes && a.AtMost {
		return opt.Val[Refusal]{} // no smaps: it may be refused or not
	} else if !passes {
		r.Refused = true
	}
	kernel, known := host.Kernel.Get()
	switch {
	case mode == 2 && r.Refused:
		r.Why = "vm.overcommit_memory is 2, and what the kernel accounts of the server is more than the commit limit leaves"
	case mode == 2:
		r.Why = "vm.overcommit_memory is 2, and the commit limit leaves more than what the kernel accounts of the server"
	case r.Refused && known && kernel.Before(5, 2):
		r.Why = "vm.overcommit_memory is 0, and this kernel (before 5.2) thinks that a mapping of the server is larger than all memory that could be freed"
	case r.Refused:
		r.Why = "vm.overcommit_memory is 0, and a mapping of the server is larger than memory and swap together"
	case known && kernel.Before(5, 2):
		r.Why = "vm.overcommit_memory is 0, and this kernel (before 5.2) thinks that memory could be freed for every mapping of the server"
	default:
		r.Why = "vm.overcommit_memory is 0, and no mapping of the server is larger than memory and swap together"
	}
	return opt.Of(r)
}

// KilledInFork tells whether fork(2) itself would exceed the server's memory
// cgroup, by the page tables that it has to make: the kernel does not refuse that,
// it kills, and there is nobody but the server. Absent where the cgroup can't be
// seen, or the size of the page tables is not known.
func KilledInFork(st *history.ServerState) opt.Val[bool] {
	tables, ok := st.PageTableBytes.Get()
	if !ok || !st.Limits.CgroupSeen {
		return opt.Val[bool]{}
	}
	c, limited := st.Limits.Cgroup.Get()
	return opt.Of(limited && c.Left+st.Limits.Returned < tables)
}
