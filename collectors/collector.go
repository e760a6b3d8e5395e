package collectors

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
)

// families returns all families, in the order of the docs.
func families() []family {
	all := []family{
		serverFamily(),
		sourcesFamily(),
		survivalFamily(),
		memoryFamily(),
		stallFamily(),
		childFamily(),
		copyFamily(),
		outcomeFamily(),
		peakFamily(),
		lastFamily(),
		reportedFamily(),
		savesFamily(),
		readsFamily(),
		hostFamily(),
	}
	for i := range all {
		all[i] = all[i].described()
	}
	return all
}

// All returns the declarations of every metric, grouped, in the order of the docs.
func All() []Metric {
	var out []Metric
	for _, f := range append(families(), curveFamily()) {
		for _, m := range f.metrics {
			out = append(out, *m)
		}
	}
	return out
}

// New returns the collector of all servers' metrics and the host's. snapshot is
// called once per Collect, possibly by several scrapes at a time.
func New(snapshot func() history.Snapshot) prometheus.Collector {
	return &collector{snapshot: snapshot, families: families()}
}

type collector struct {
	snapshot func() history.Snapshot
	families []family
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range c.families {
		for _, m := range f.metrics {
			ch <- m.desc
		}
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	snapshot := c.snapshot()
	for _, f := range c.families {
		if f.perHost != nil {
			f.perHost(snapshot.Host, sink{ch: ch})
		}
	}
	for i := range snapshot.Servers {
		v := viewOf(&snapshot.Servers[i], &snapshot.Host)
		out := sink{ch: ch, server: v.Name}
		for _, f := range c.families {
			if f.perServer != nil && (f.forkless || !v.Info.NeverForks()) {
				f.perServer(v, out)
			}
		}
	}
}
