package collectors

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

type hostView = limits.Host

// view is one server's state with what several families ask of it.
type view struct {
	*track.State
	// current is the last reply to INFO while the server answers, else a reply
	// in which every field is absent: what is stale is not exported.
	current redisinfo.Info
	host    *hostView
}

// viewOf returns the view of the server s on the host host.
func viewOf(s *track.State, host *hostView) view {
	v := view{State: s, host: host}
	if s.Up && s.Info != nil {
		v.current = *s.Info
	}
	return v
}

// kinds returns the kinds whose series exist, in the order of fork.Kinds.
func (v view) kinds() []fork.Kind {
	out := make([]fork.Kind, 0, len(fork.Kinds))
	for _, k := range fork.Kinds {
		if v.Seen[k] {
			out = append(out, k)
		}
	}
	return out
}

// seesChildren reports whether "no children" means that there are none.
func (v view) seesChildren() bool {
	return v.Available[fork.SourceProcess] || len(v.Children) > 0
}

// countsCopies reports whether copies are counted, so that 0 means that there were
// none. A fork that was read proves it. Before the first one, the two sources that
// work only while the exporter samples have to do: taskstats works without.
func (v view) countsCopies() bool {
	t := &v.Totals
	return t.Reads[fork.SourceCounters] > 0 || t.CopyFaults > 0 || t.TailFaults > 0 ||
		v.Available[fork.SourceChildSmaps] || v.Available[fork.SourceCgroup]
}

// infoStart returns when the server started by its own account. The account is in
// whole seconds and may be one timer tick old: the result is up to a second and a
// tick too late, never too early while both clocks agree.
func (v view) infoStart() opt.Val[time.Time] {
	uptime, ok := v.current.UptimeSeconds.Get()
	if !ok || v.InfoAt.IsZero() {
		return opt.Val[time.Time]{}
	}
	return opt.Of(v.InfoAt.Add(-time.Duration(uptime) * time.Second))
}

// infoSaves reports whether INFO says that a child writes all keys: to disk, to
// replicas or to an append-only file.
func (v view) infoSaves() bool {
	i := v.current
	return i.BGSaveInProgress.Or(false) && !i.ForklessSave || i.AOFRewriteInProgress.Or(false)
}
