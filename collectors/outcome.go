package collectors

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// refusable are the kinds whose refusals INFO gives away.
var refusable = [...]fork.Kind{fork.KindRDB, fork.KindAOF}

const groupOutcome = "How did forks end, and how much did they hold?"

func outcomeFamily() family {
	children := &Metric{
		Name:   "redis_fork_children_total",
		Type:   Counter,
		Labels: []string{"kind"},
		Help:   "Children that were followed to their end, whatever the end.",
		Note:   "Forks that nobody saw are in redis_fork_unobserved_children_total, refused ones in redis_fork_refused_total.",
		Needs:  "process",
	}
	failed := &Metric{
		Name:   "redis_fork_children_failed_total",
		Type:   Counter,
		Labels: []string{"kind", "reason"},
		Help:   "Children that failed.",
		Note:   "exit: by an exit status. signal: by a signal. oom: by the OOM killer. server_died: the server died first. With the default oom-score-adj no, the OOM killer takes the server, and the child counts under server_died.",
		Needs:  "process",
	}
	cancelled := &Metric{
		Name:   "redis_fork_children_cancelled_total",
		Type:   Counter,
		Labels: []string{"kind"},
		Help:   "Children that the server itself ended, which is neither success nor failure.",
		Note:   "It does so at FLUSHALL, when a replica leaves, at a failover, and when AOF is switched off.",
		Needs:  "process",
	}
	refused := &Metric{
		Name:   "redis_fork_refused_total",
		Type:   Counter,
		Labels: []string{"kind"},
		Help:   "Forks that the kernel refused, so that there never was a child (rdb_saves, aof_rewrites, total_forks).",
		Note:   "They are attempts that grew without a fork. Servers before Redis 7.0 don't tell them apart: there it stays 0.",
		Needs:  "INFO (Redis 7.0)",
	}
	unobservedChildren := &Metric{
		Name:  "redis_fork_unobserved_children_total",
		Type:  Counter,
		Help:  "Forks that the server counted (total_forks), but whose child nobody followed.",
		Note:  "They are all of them where the server's process is not known. Servers before Redis 6.2 count no forks: there it stays 0.",
		Needs: "INFO (Redis 6.2)",
	}
	unobservedStalls := &Metric{
		Name:  "redis_fork_unobserved_stalls_total",
		Type:  Counter,
		Help:  "Forks that the server counted (total_forks), but whose duration a later fork overwrote before it was read.",
		Note:  "Servers before Redis 6.2 count no forks: there it stays 0.",
		Needs: "INFO (Redis 6.2)",
	}
	return family{
		group:   groupOutcome,
		metrics: []*Metric{children, failed, cancelled, refused, unobservedChildren, unobservedStalls},
		perServer: func(v view, out sink) {
			t := &v.Totals
			for _, k := range v.kinds() {
				kind := string(k)
				out.value(children, float64(t.Children[k]), kind)
				out.value(cancelled, float64(t.Cancelled[k]), kind)
				for _, reason := range fork.Reasons {
					out.value(failed, float64(t.Failed[k][reason]), kind, string(reason))
				}
			}
			for _, k := range refusable {
				out.value(refused, float64(t.Refused[k]), string(k))
			}
			out.value(unobservedChildren, float64(t.UnobservedChild))
			out.value(unobservedStalls, float64(t.UnobservedDuration))
		},
	}
}
