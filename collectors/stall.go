package collectors

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

func stallFamily() family {
	stall := &Metric{
		Name:  "redis_fork_stall_seconds",
		Type:  Histogram,
		Help:  "Seconds that fork(2) took, one observation per fork (latest_fork_usec).",
		Note:  "Meanwhile the server answers nobody. Forks whose duration another fork overwrote in INFO first are in redis_fork_unobserved_stalls_total instead; before Redis 7.0 the server times refused forks too.",
		Needs: "INFO",
	}
	forked := &Metric{
		Name:   "redis_fork_stall_resident_bytes_total",
		Type:   Counter,
		Help:   "Resident bytes of the server at each fork in redis_fork_stall_seconds, summed.",
		Note:   "It is the denominator of the stall per GiB.",
		Needs:  "process",
		Absent: "the process was not known at any fork so far and is not known now",
	}
	return family{
		group:   "How long does the server stand still?",
		metrics: []*Metric{stall, forked},
		perServer: func(v view, out sink) {
			out.histogram(stall, &v.Totals.Stall)
			// Without a process forks are timed, but the bytes stay 0: a stall per
			// GiB of +Inf.
			if v.Totals.ForkedBytes > 0 || v.Available[fork.SourceProcess] {
				out.value(forked, float64(v.Totals.ForkedBytes))
			}
		},
	}
}
