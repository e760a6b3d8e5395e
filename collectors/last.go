package collectors

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func lastFamily() family {
	const (
		noFork  = "no fork of the kind has ended yet"
		unknown = noFork + ", or it was not known for the last one"
	)
	start := &Metric{
		Name:   "redis_fork_last_start_timestamp_seconds",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "When the last finished fork of this kind was born, in seconds since 1970.",
		Note:   "All redis_fork_last_* metrics of a kind are about this one fork and change together when it is closed; only redis_fork_last_tail_seconds comes later.",
		Needs:  "process",
		Absent: noFork,
	}
	stall := &Metric{
		Name:   "redis_fork_last_stall_seconds",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "Seconds that the last finished fork(2) of this kind took (latest_fork_usec).",
		Note:   "Meanwhile the server answered nobody.",
		Needs:  "process, INFO",
		Absent: unknown,
	}
	lifetime := &Metric{
		Name:   "redis_fork_last_lifetime_seconds",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "Seconds from the birth to the death of the last finished fork's child.",
		Needs:  "process",
		Absent: unknown,
	}
	resident := &Metric{
		Name:   "redis_fork_last_resident_bytes",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "Bytes that the server had resident at the last finished fork.",
		Needs:  "process",
		Absent: unknown,
	}
	peak := &Metric{
		Name:   "redis_fork_last_private_dirty_peak_bytes",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "Highest private dirty memory of the last finished fork's child, in bytes.",
		Note:   "It is the highest value read, below the truth for a child shorter than a few reads, and by up to 19 % when measured where huge pages are deleted in a shared cgroup. By a sample of pages it may also be too high.",
		Needs:  needsMemory,
		Absent: unknown,
	}
	extra := &Metric{
		Name:   "redis_fork_last_extra_memory_bytes",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "The most that server and the last finished fork's child held more than the server before, in bytes.",
		Note:   "It is what the machine had to find for the fork, page tables not counted. Unlike redis_fork_last_private_dirty_peak_bytes it counts what the server grew by, and not what it freed.",
		Needs:  needsMemory,
		Absent: unknown,
	}
	copied := &Metric{
		Name:   "redis_fork_last_copied_bytes",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "Bytes that the kernel copied for the server's writes until the death of the last finished fork's child.",
		Note:   "It is known by delay accounting where taskstats works, else from minor faults beyond growth.",
		Needs:  "process, better taskstats",
		Absent: unknown + ": without taskstats so whenever server or child gave memory back, or the server grew by huge pages",
	}
	copyStall := &Metric{
		Name:   "redis_fork_last_copy_stall_seconds",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "Seconds inside the kernel's page copies of the last finished fork.",
		Note:   "See redis_fork_copy_stall_seconds_total. They are spread over the child's life, unlike redis_fork_last_stall_seconds.",
		Needs:  "taskstats",
		Absent: unknown,
	}
	tail := &Metric{
		Name:   "redis_fork_last_tail_seconds",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "Seconds from the last finished child's death until the server's write faults had faded.",
		Note:   "They have at 1/20 of the first second's. About 60 says that they had not within a minute; the next fork cuts it off too.",
		Needs:  "process",
		Absent: unknown + ", or the tail goes on",
	}
	success := &Metric{
		Name:   "redis_fork_last_success",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "1 if the last finished child of this kind ended well, 0 if it failed.",
		Note:   "It failed too if it was killed, or the server died first. Absent if the server cancelled it or nobody could tell, so an alert on 0 ends then: count failures with redis_fork_children_failed_total.",
		Needs:  "process",
		Absent: noFork + ", or the last one was cancelled or its outcome is unknown",
	}
	return family{
		group:   "What did the last fork cost?",
		metrics: []*Metric{start, stall, lifetime, resident, peak, extra, copied, copyStall, tail, success},
		perServer: func(v view, out sink) {
			for _, k := range v.kinds() {
				last, ok := v.Last[k]
				if !ok {
					continue
				}
				kind := string(k)
				out.value(start, unixSeconds(last.Start), kind)
				present(out, stall, last.StallSeconds, kind)
				present(out, lifetime, last.LifetimeSeconds, kind)
				present(out, resident, last.ResidentBytes, kind)
				present(out, peak, last.PeakBytes, kind)
				present(out, extra, last.ExtraPeakBytes, kind)
				present(out, copied, last.CopiedBytes, kind)
				present(out, copyStall, last.CopyStallSeconds, kind)
				present(out, tail, last.TailSeconds, kind)
				if ok, known := verdict(last.Outcome).Get(); known {
					out.flag(success, ok, kind)
				}
			}
		},
	}
}

// verdict returns whether the outcome o is a success; absent where it is neither that
// nor a failure. A cancelled child is neither: calling it a failure would page people
// for a FLUSHALL, and calling it a success would say that there is a new dump or a
// replica in sync.
func verdict(o fork.Outcome) opt.Val[bool] {
	if o == fork.OutcomeOK {
		return opt.Of(true)
	}
	if _, failed := o.Reason(); failed {
		return opt.Of(false)
	}
	return opt.Val[bool]{}
}
