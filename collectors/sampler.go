package collectors

import (
	"maps"
	"slices"
)

func samplerFamily() family {
	cpu := &Metric{
		Name:      "redis_fork_exporter_sampler_cpu_seconds_total",
		Type:      Counter,
		Labels:    []string{"source"},
		Help:      "CPU seconds that the exporter spent on readings while a child lived: child_smaps, where the server's writes and the child wait for part of the time, pagemap, a few of the child's pages, and counters, the cheap ones of server, child and cgroup, where nobody waits.",
		Needs:     "process",
		Stability: Experimental,
	}
	reads := &Metric{
		Name:      "redis_fork_exporter_sampler_reads_total",
		Type:      Counter,
		Labels:    []string{"source"},
		Help:      "Readings while a child lived, by source, failed ones included.",
		Needs:     "process",
		Stability: Experimental,
	}
	deferred := &Metric{
		Name:      "redis_fork_exporter_sampler_deferred_total",
		Type:      Counter,
		Help:      "Readings of child_smaps and pagemap that were put off to stay within the budget of CPU time, each point by pages that is left out among them: the more, the further apart are the exact samples of large children.",
		Needs:     "process",
		Stability: Experimental,
	}
	return family{
		group:   "What does observing cost?",
		metrics: []*Metric{cpu, reads, deferred},
		perServer: func(v view, out sink) {
			t := &v.Totals
			for _, source := range slices.Sorted(maps.Keys(t.SamplerReads)) {
				out.value(cpu, t.SamplerSeconds[source], string(source))
				out.value(reads, float64(t.SamplerReads[source]), string(source))
			}
			var n uint64
			for _, put := range t.SamplerDeferred {
				n += put
			}
			out.value(deferred, float64(n)) // of all sources: one series more would be one too many
		},
	}
}
