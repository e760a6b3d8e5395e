package collectors

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// sources are those that work or don't.
var sources = [...]fork.Source{
	fork.SourceProcess, fork.SourceChildSmaps, fork.SourcePagemap, fork.SourceCgroup, fork.SourceTaskstats,
}

func sourcesFamily() family {
	available := &Metric{
		Name:   "redis_fork_source_available",
		Type:   Gauge,
		Labels: []string{"source"},
		Help:   "1 if the exporter can read the source, 0 if not.",
		Note:   "process: the server's process, proved to be it, on the exporter's machine, without which nothing about children is known. child_smaps: the memory of its children. pagemap: their pages, of which a sample tells where memory is given back, except of a child with huge pages. cgroup: a memory cgroup that holds this server only, and stands in for most reads of child_smaps. taskstats: the kernel's delay accounting of the server, without which there is no copy time.",
		Needs:  "–",
		Absent: "Dragonfly",
	}
	return family{
		group:   groupServer,
		metrics: []*Metric{available},
		perServer: func(v view, out sink) {
			for _, source := range sources {
				out.flag(available, v.Available[source], string(source))
			}
		},
	}
}
