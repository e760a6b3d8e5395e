package collectors

import "github.com/redis-fork-exporter/redis_fork_exporter/internal/history"

func sourcesFamily() family {
	available := &Metric{
		Name:   "redis_fork_source_available",
		Type:   Gauge,
		Labels: []string{"source"},
		Help:   "1 if the source works, 0 if the metrics that need it are blind: process is the server's process, proved to be it, on the exporter's machine; child_smaps is the memory of its children.",
		Needs:  "–",
		Absent: "Dragonfly",
	}
	readErrors := &Metric{
		Name:   "redis_fork_read_errors_total",
		Type:   Counter,
		Labels: []string{"source", "reason"},
		Help:   "Reads that failed, by source and one of a few reasons. A child that ended while it was read is no error.",
		Needs:  "–",
	}
	return family{
		group:    groupServer,
		forkless: true, // for them only what says why INFO failed
		metrics:  []*Metric{available, readErrors},
		perServer: func(v view, out sink) {
			if !v.neverForks() {
				for _, source := range [...]history.Source{history.SourceProcess, history.SourceChildSmaps} {
					out.flag(available, v.Available[source], string(source))
				}
			}
			for _, e := range history.ReadErrors {
				if v.neverForks() && e.Source != history.SourceInfo {
					continue
				}
				out.value(readErrors, float64(v.Totals.ReadErrors[e]), string(e.Source), e.Reason)
			}
		},
	}
}
