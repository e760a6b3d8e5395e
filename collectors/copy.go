package collectors

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

func copyFamily() family {
	const notRead = "no fork was read so far, and neither child_smaps nor cgroup works now: so too with --sampling=off"
	copied := &Metric{
		Name:   "redis_fork_copied_bytes_total",
		Type:   Counter,
		Help:   "Bytes that the kernel copied for the server's writes while a child lived.",
		Note:   "It grows while a child lives: by delay accounting where taskstats works, else from minor faults beyond growth for as long as neither server nor child gives memory back and the server does not grow by huge pages, after which it stands still until the next fork. It is not the child's private dirty memory.",
		Needs:  "process, better taskstats",
		Absent: notRead,
	}
	stall := &Metric{
		Name:   "redis_fork_copy_stall_seconds_total",
		Type:   Counter,
		Help:   "Seconds inside the kernel's page copies while a child lived, in the thread that serves the clients.",
		Note:   "Of KeyDB it is all threads together. It is a lower bound of what commands waited, because a copy is about two thirds of its fault; time during which the thread was preempted is included, so with too few CPUs it can be far more.",
		Needs:  "taskstats",
		Absent: "taskstats does not work and never did during a fork, or " + notRead,
	}
	estimated := &Metric{
		Name:      "redis_fork_estimated_copy_stall_seconds_total",
		Type:      Counter,
		Help:      "What redis_fork_copy_stall_seconds_total would say, estimated without taskstats.",
		Note:      "The estimate is made of how the running time of the server's main thread rises with the pages copied. It was within a factor of 1.5 when measured. It grows at the death of a child, and only by forks that can be estimated, so it is too low rather than too high: left out are forks of less than a second, with few copies, in which memory was given back, or right after another; those in which chance, a changing load or pages of several prices say more than the copies; and servers that may have huge pages.",
		Needs:     "process",
		Absent:    "taskstats works, or no fork began so far of which one can be made: none ever does of a server that may have huge pages, or where the kernel does not tell how long threads run (CONFIG_SCHEDSTATS)",
		Stability: Experimental,
	}
	faults := &Metric{
		Name:   "redis_fork_write_faults_total",
		Type:   Counter,
		Labels: []string{"phase"},
		Help:   "Minor faults of the server beyond its growth, while a child lives and in the tail after it.",
		Note:   "copy: while a child lives, nearly all of them copies unless the child gives memory back. tail: after its death, writes to pages still protected, cheaper and without a copy (Linux 5.8 to 6.14 copies what was part of a huge page, which is left out where taskstats works), until they fade to 1/20 of the first second's, the next fork, or a minute. Memory that the server gave back and took again counts too.",
		Needs:  "process",
		Absent: notRead,
	}
	return family{
		group:   "What do the copies and the tail cost?",
		metrics: []*Metric{copied, stall, estimated, faults},
		perServer: func(v view, out sink) {
			t := &v.Totals
			if v.countsCopies() {
				out.value(copied, float64(t.CopiedBytes))
				out.value(faults, float64(t.CopyFaults), "copy")
				out.value(faults, float64(t.TailFaults), "tail")
			}
			if t.CopyStallSeconds > 0 || v.Available[fork.SourceTaskstats] && v.countsCopies() {
				out.value(stall, t.CopyStallSeconds)
			}
			if seconds, ok := t.EstimatedCopyStallSeconds.Get(); ok && !v.Available[fork.SourceTaskstats] {
				out.value(estimated, seconds)
			}
		},
	}
}
