package main

import "context"

// readings are what an exporter has read of children, by its own account.
type readings struct {
	cpu   float64 // seconds
	smaps float64 // reads of a child's smaps
	pages float64 // and of a sample of its pages
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
		r.cpu += cpu
	}
	if r.smaps, err = m.Sum("redis_fork_exporter_reads_total", "source", "child_smaps"); err != nil {
		return r, err
	}
	r.pages, err = m.Sum("redis_fork_exporter_reads_total", "source", "pagemap")
	return r, err
}

// since returns what r has more than before.
func (r readings) since(before readings) readings {
	return readings{r.cpu - before.cpu, r.smaps - before.smaps, r.pages - before.pages}
}
