package collectors

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func reportedFamily() family {
	const (
		down    = "the server does not answer"
		noChild = down + ", no child, or one that has not measured itself yet"
	)
	forks := &Metric{
		Name:   "redis_fork_reported_forks_total",
		Type:   Counter,
		Help:   "Forks that the server counted (total_forks).",
		Note:   "CONFIG RESETSTAT and restarts set it to 0; before Redis 7.0 it includes refused forks.",
		Needs:  "INFO (Redis 6.2)",
		Absent: down,
	}
	stall := &Metric{
		Name:   "redis_fork_reported_last_stall_seconds",
		Type:   Gauge,
		Help:   "Seconds of the server's latest fork (latest_fork_usec).",
		Note:   "Every fork overwrites it, so scrapes miss all but the last of several.",
		Needs:  "INFO",
		Absent: down + ", or has not forked since its start or CONFIG RESETSTAT",
	}
	cow := &Metric{
		Name:   "redis_fork_reported_cow_bytes",
		Type:   Gauge,
		Help:   "Private dirty bytes that the running child last reported to its server (current_cow_size).",
		Note:   "It is stale by seconds to minutes: see redis_fork_reported_cow_timestamp_seconds.",
		Needs:  "INFO (Redis 6.2)",
		Absent: noChild,
	}
	cowTime := &Metric{
		Name:   "redis_fork_reported_cow_timestamp_seconds",
		Type:   Gauge,
		Help:   "When the running child measured redis_fork_reported_cow_bytes, in seconds since 1970 (current_cow_size_age).",
		Note:   "It is right to about a second.",
		Needs:  "INFO (Redis 6.2.2)",
		Absent: noChild,
	}
	last := &Metric{
		Name:   "redis_fork_reported_last_cow_bytes",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "Private dirty bytes of the last child that ended well (rdb_last_cow_size, aof_last_cow_size, module_fork_last_cow_size).",
		Note:   "It is the child's peak from Redis 7.0, its final value before. Disk saves and diskless syncs share kind=\"rdb\"; after a failure it is still the figure of an older child.",
		Needs:  "INFO (Redis 4.0; module: 6.0)",
		Absent: down + ", or no child of the kind has ended well",
	}
	return family{
		group:   "What does the server itself say?",
		metrics: []*Metric{forks, stall, cow, cowTime, last},
		perServer: func(v view, out sink) {
			i := v.current
			present(out, forks, i.TotalForks)
			if d, ok := i.LatestFork.Get(); ok {
				out.value(stall, d.Seconds())
			}
			if c, ok := reportedCOW(v).Get(); ok {
				out.value(cow, float64(c.bytes))
				if !c.at.IsZero() {
					out.value(cowTime, unixSeconds(c.at))
				}
			}
			for _, l := range [...]struct {
				kind  fork.Kind
				bytes opt.Val[uint64]
			}{
				{fork.KindRDB, i.RDBLastCOWBytes},
				{fork.KindAOF, i.AOFLastCOWBytes},
				{fork.KindModule, i.ModuleForkLastCOWBytes},
			} {
				// 0 is what the field starts with. A child can't have had none: its own
				// stack is private and dirty.
				if n := l.bytes.Or(0); n > 0 {
					out.value(last, float64(n), string(l.kind))
				}
			}
		},
	}
}

// cowReport is the server's figure about its running child; at is zero where the
// server does not say how old the figure is.
type cowReport struct {
	bytes uint64
	at    time.Time
}

// reportedCOW returns the server's figure from the record of the running fork in v,
// or from INFO where the process is not known and so no fork has a record.
func reportedCOW(v view) opt.Val[cowReport] {
	if !v.Up {
		return opt.Val[cowReport]{}
	}
	if v.seesChildren() {
		c, ok := v.COW.Get()
		if !ok || len(v.Children) == 0 {
			return opt.Val[cowReport]{}
		}
		return opt.Of(cowReport{c.COWBytes, v.COWAt})
	}
	i := v.current
	alive := v.infoSaves() || i.ModuleForkInProgress.Or(false)
	n := i.CurrentCOWBytes.Or(0) // 0 before the child's first report
	if !alive || n == 0 {
		return opt.Val[cowReport]{}
	}
	r := cowReport{bytes: n}
	if age, ok := i.CurrentCOWAgeSeconds.Get(); ok {
		r.at = v.InfoAt.Add(-time.Duration(age) * time.Second)
	}
	return opt.Of(r)
}
