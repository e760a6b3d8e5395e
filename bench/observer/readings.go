package main

import "context"

// readings are what an exporter has read of children, by its own account.
type readings struct {
	cpu   float64 // seconds
	done  float64 // readings, of all sources
	smaps float64 // of a child's smaps
	pages float64 // of a sample of its pages
}

// accountOf returns what the exporter w has read so far.
func accountOf(ctx context.Context, w watching) (r readings, err error) {
	m, err := w.(*exporter).Metrics(ctx)
	if err != nil {
		return r, err
	}
	for _, source := range []string{"child_smaps", "pagemap", "counters"} {
		cpu, err := m.Sum("redis_fork_exporter_read_cpu_seconds_total", "source", source)
		if err != nil {
			return r, err
		}
		n, err := m.Sum("redis_fork_exporter_reads_total", "source", source)
		if err != nil {
			return r, err
		}
		r.cpu, r.done = r.cpu+cpu, r.done+n
		switch source {
		case "child_smaps":
			r.smaps = n
		case "pagemap":
			r.pages = n
		}
	}
	return r, nil
}

// since returns what r has more than before.
func (r readings) since(before readings) readings {
	return readings{r.cpu - before.cpu, r.done - before.done, r.smaps - before.smaps, r.pages - before.pages}
}
