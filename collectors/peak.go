package collectors

func peakFamily() family {
	peak := &Metric{
		Name:  "redis_fork_private_dirty_peak_ratio",
		Type:  Histogram,
		Help:  "Each fork's highest private dirty memory of the child, divided by the server's resident memory at the fork. It is the highest value read, below the truth for children shorter than a few reads and where huge pages are deleted in a shared cgroup; children that were alive before the exporter are left out.",
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
