package collectors

func peakFamily() family {
	peak := &Metric{
		Name:  "redis_fork_private_dirty_peak_ratio",
		Type:  Histogram,
		Help:  "Each fork's highest private dirty memory of the child, divided by the server's resident memory at the fork.",
		Note:  "It is the highest value read, below the truth for children shorter than a few reads and where huge pages are deleted in a shared cgroup; children that were alive before the exporter are left out. It exceeds 1 where the server freed memory that it had at the fork, and grew meanwhile.",
		Needs: needsMemory,
	}
	return family{
		group:   groupOutcome,
		metrics: []*Metric{peak},
		perServer: func(v view, out sink) {
			out.histogram(peak, &v.Totals.PeakRatio)
		},
	}
}
