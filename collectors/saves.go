package collectors

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func savesFamily() family {
	const (
		down        = "the server does not answer"
		noSavePoint = down + ", does not allow CONFIG GET, or has no save point"
	)
	success := &Metric{
		Name:   "redis_fork_reported_last_save_success",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "1 if the last save (rdb_last_bgsave_status) or rewrite (aof_last_bgrewrite_status) went well, 0 if it failed.",
		Note:   "Cancelled ones and diskless syncs leave it as it was.",
		Needs:  "INFO",
		Absent: down + ", or has not tried since its start",
	}
	timestamp := &Metric{
		Name:   "redis_fork_reported_last_save_timestamp_seconds",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "When the server last saved successfully to disk, in seconds since 1970 (rdb_last_save_time).",
		Note:   "INFO gives the server's start where there was no save: that is not exported, so alert on its absence too.",
		Needs:  "INFO",
		Absent: down + ", or has not saved since its start",
	}
	changes := &Metric{
		Name:   "redis_fork_reported_changes_since_last_save",
		Type:   Gauge,
		Help:   "Changes to the data set that the last save to disk does not have (rdb_changes_since_last_save).",
		Note:   "They may well be in the append-only file.",
		Needs:  "INFO",
		Absent: down,
	}
	interval := &Metric{
		Name:   "redis_fork_save_interval_seconds",
		Type:   Gauge,
		Help:   "Time of the longest of the server's save points, in seconds (CONFIG GET save).",
		Note:   "A save is due when the last one is that long ago and there have been redis_fork_save_interval_changes.",
		Needs:  "CONFIG GET",
		Absent: noSavePoint,
	}
	intervalChanges := &Metric{
		Name:   "redis_fork_save_interval_changes",
		Type:   Gauge,
		Help:   "Changes of the longest of the server's save points (CONFIG GET save).",
		Note:   "With fewer of them since the last save none is due, however long ago that was.",
		Needs:  "CONFIG GET",
		Absent: noSavePoint,
	}
	misconf := &Metric{
		Name:   "redis_fork_reported_misconf_errors_total",
		Type:   Counter,
		Help:   "Commands that the server refused because its last save failed (errorstat_MISCONF).",
		Note:   "CONFIG RESETSTAT and restarts set it to 0.",
		Needs:  "INFO (Redis 6.2)",
		Absent: down,
	}
	return family{
		group:    "Is the data saved?",
		forkless: true,
		metrics:  []*Metric{success, timestamp, changes, interval, intervalChanges, misconf},
		perServer: func(v view, out sink) {
			i := v.current
			saved := lastSave(v)
			for _, s := range [...]struct {
				kind fork.Kind
				ok   opt.Val[bool]
				any  bool // there was one: "ok" is also what the server starts with
			}{
				{fork.KindRDB, i.LastBGSaveOK, saved.Present()},
				{fork.KindAOF, i.LastAOFRewriteOK, i.LastAOFRewriteSeconds.Present()},
			} {
				if ok, known := s.ok.Get(); known && (s.any || !ok) {
					out.flag(success, ok, string(s.kind))
				}
			}
			present(out, timestamp, saved, string(fork.KindRDB))
			present(out, changes, i.ChangesSinceLastSave)
			if p, ok := v.SavePoint.Get(); ok && v.Up {
				out.value(interval, float64(p.Seconds))
				out.value(intervalChanges, float64(p.Changes))
			}
			present(out, misconf, i.MisconfErrors)
		},
	}
}

// lastSave returns the Unix time of the last successful save to disk, by what v has
// of INFO. The server sets the field to its own start when it starts, so a value near
// the start needs proof; attempts, diskless syncs and cancelled saves are none, and
// one of the counters that would tell is set to 0 by CONFIG RESETSTAT.
func lastSave(v view) opt.Val[int64] {
	i := v.current
	at, ok := i.LastSaveTime.Get()
	if !ok || at <= 0 {
		return opt.Val[int64]{}
	}
	attempts, counted := i.RDBSaves.Get()
	ended := i.LastBGSaveSeconds.Present() // a save or a diskless sync
	if counted && attempts == 0 && !ended {
		return opt.Val[int64]{} // whatever the clocks say
	}
	if start, known := latestStart(v).Get(); known && time.Unix(at, 0).After(start.Add(time.Second)) {
		return opt.Of(at)
	}
	// Within a second of the start, or the server's clock is behind ours.
	if attempts > 0 && ended && i.LastBGSaveOK.Or(false) && !i.BGSaveInProgress.Or(false) {
		return opt.Of(at)
	}
	return opt.Val[int64]{}
}

// latestStart returns the later of the two accounts in v of the server's start. A
// process can be much older than the server in it: an entrypoint script that ends in
// exec.
func latestStart(v view) opt.Val[time.Time] {
	byInfo, ok := v.infoStart().Get()
	if !ok {
		return v.StartTime
	}
	if byProcess, ok := v.StartTime.Get(); ok && byProcess.After(byInfo) {
		return v.StartTime
	}
	return opt.Of(byInfo)
}
