package collectors

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

func readsFamily() family {
	reads := &Metric{
		Name:      "redis_fork_exporter_reads_total",
		Type:      Counter,
		Labels:    []string{"source"},
		Help:      "Readings, failed ones included.",
		Note:      "info: INFO. process: the size of the server's process, once a second. While a child lives also child_smaps, where the server's writes and the child wait for part of the time, pagemap, a few of the child's pages, and counters, the cheap ones of server, child and cgroup, where nobody waits.",
		Needs:     "–",
		Stability: Experimental,
	}
	errors := &Metric{
		Name:   "redis_fork_exporter_read_errors_total",
		Type:   Counter,
		Labels: []string{"source", "reason"},
		Help:   "Readings that failed.",
		Note:   "A child that ended while it was read is no error.",
		Needs:  "–",
	}
	cpu := &Metric{
		Name:      "redis_fork_exporter_read_cpu_seconds_total",
		Type:      Counter,
		Labels:    []string{"source"},
		Help:      "CPU seconds that the exporter spent on readings while a child lived.",
		Needs:     "process",
		Absent:    "info and process: what these cost is in process_cpu_seconds_total only",
		Stability: Experimental,
	}
	deferred := &Metric{
		Name:      "redis_fork_exporter_reads_deferred_total",
		Type:      Counter,
		Help:      "Readings of child_smaps and pagemap that were put off to stay within the budget of CPU time.",
		Note:      "Each point by pages that is left out counts: the more, the further apart are the exact samples of large children.",
		Needs:     "process",
		Stability: Experimental,
	}
	return family{
		group:    "What does observing cost, and does it work?",
		forkless: true, // for them only what says why INFO failed
		metrics:  []*Metric{reads, errors, cpu, deferred},
		perServer: func(v view, out sink) {
			t := &v.Totals
			neverForks := v.Info.NeverForks()
			for _, source := range track.ReadSources {
				if source == fork.SourceInfo || !neverForks {
					out.value(reads, float64(t.Reads[source]), string(source))
				}
			}
			for _, e := range track.ReadErrors {
				if e.Source == fork.SourceInfo || !neverForks {
					out.value(errors, float64(t.ReadErrors[e]), string(e.Source), e.Reason)
				}
			}
			if neverForks {
				return
			}
			for _, source := range track.TimedSources {
				out.value(cpu, t.ReadSeconds[source], string(source))
			}
			var n uint64
			for _, put := range t.ReadsDeferred {
				n += put
			}
			out.value(deferred, float64(n))
		},
	}
}
