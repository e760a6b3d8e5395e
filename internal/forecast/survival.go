package forecast

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
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
// holds counts as returned.
type Headroom struct {
	Limit Limit
	Bytes uint64
	Where string // which limit it is, in a few words for people
}

// Headrooms are what the known limits leave, in the order of Limits.
func Headrooms(st *history.ServerState) []Headroom { return nil }

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
func Refusals(st *history.ServerState, host *history.Host) []Refusal { return nil }

// KilledInFork tells whether fork(2) itself would exceed the server's memory
// cgroup: the kernel does not refuse that, it kills the server. Absent where the
// cgroup can't be seen, or the size of the page tables is not known.
func KilledInFork(st *history.ServerState) opt.Val[bool] { return opt.Val[bool]{} }

// Verdict answers: will it survive the next fork?
type Verdict string

// The verdicts.
const (
	Yes     Verdict = "yes"     // also if every page is written to
	Likely  Verdict = "likely"  // as expected it fits, in the worst case it does not
	No      Verdict = "no"      // refused, killed, or not enough for what is expected
	Unknown Verdict = "unknown" // no forecast yet, or no limit can be read
)

// Need sets what the next fork needs of a limit against what it has.
type Need struct {
	Headroom
	Needs opt.Val[uint64] // absent without a basis
	Worst opt.Val[uint64] // in the worst case; the same as Needs for the commit limit
}

// Left is by how much the headroom exceeds the need; below 0 where it does not.
func (n Need) Left() opt.Val[int64] {
	needs, ok := n.Needs.Get()
	if !ok {
		return opt.Val[int64]{}
	}
	return opt.Of(int64(n.Bytes) - int64(needs))
}

// Survival is the answer, with everything that it is made from.
type Survival struct {
	Verdict      Verdict
	Why          string // one sentence for people
	Fork         Fork   // the forecast it is about
	Needs        []Need // per limit
	Refusals     []Refusal
	KilledInFork opt.Val[bool]
	// SlowedBelow is what is left below memory.high, if the fork would exceed that:
	// the kernel then slows the server down.
	SlowedBelow opt.Val[uint64]
}

// Survive answers for a forecast, such as that of Next.
func Survive(st *history.ServerState, host *history.Host, f Fork) Survival {
	return Survival{Verdict: Unknown, Fork: f}
}
