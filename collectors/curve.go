package collectors

import "github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"

// curveFamily is what /curve serves, in the order of fork.Lines. exporter/curve fills it:
// its samples have times of their own, and each reader gets those since its last visit.
func curveFamily() family {
	const absent = "no child has lived since the reader's last visit"
	f := family{
		group: "What happened between two scrapes (/curve)?",
		metrics: []*Metric{
			fork.LinePrivateDirty: {
				Name:  "redis_fork_curve_private_dirty_bytes",
				Type:  Gauge,
				Help:  "Bytes of memory that only the fork's child holds, each point with a time of its own.",
				Note:  "It is 0 just before the birth and at the death. Of two children at a time it is the older one.",
				Needs: needsMemory,
			},
			fork.LineCopied: {
				Name:  "redis_fork_curve_copied_bytes",
				Type:  Gauge,
				Help:  "Bytes that the kernel copied since the fork's birth for the server's writes, each point with a time of its own.",
				Note:  "It is 0 just before the birth and at the death.",
				Needs: "process, better taskstats",
			},
			fork.LineResident: {
				Name:  "redis_fork_curve_resident_bytes",
				Type:  Gauge,
				Help:  "Bytes that the server has resident while a child lives, each point with a time of its own.",
				Note:  "There is a point at the birth, one about once a second, and one at the death.",
				Needs: "process",
			},
		},
	}.described()
	for _, m := range f.metrics {
		m.PerServer, m.Endpoint, m.Absent = true, "/curve", absent
	}
	return f
}

// Curves returns the declarations of what /curve serves, by line.
func Curves() []Metric {
	var out []Metric
	for _, m := range curveFamily().metrics {
		out = append(out, *m)
	}
	return out
}
