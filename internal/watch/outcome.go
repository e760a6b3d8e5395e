package watch

import (
	"syscall"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// togetherWithin is how long after a child's death the server's own death still
// explains it: a whole cgroup killed at once dies in any order.
const togetherWithin = 200 * time.Millisecond

// death is what is known of a child's end.
type death struct {
	at         time.Time
	reaped     time.Time // when the server took notice, as far as that was seen
	status     opt.Val[syscall.WaitStatus]
	oomKilled  bool               // an oom_kill counter rose during the child's life
	serverDied opt.Val[time.Time] // when the server itself ended
}

// outcome judges a child's end by its wait status alone; unknown when there is none.
func (d death) outcome() history.Outcome {
	status, known := d.status.Get()
	cancelled := known && (status.Exited() && status.ExitStatus() == 255 ||
		status.Signaled() && status.Signal() == syscall.SIGUSR1)
	if cancelled {
		// Also at SHUTDOWN, where the server cancels its child and goes.
		return history.OutcomeCancelled
	}
	if died, ok := d.serverDied.Get(); ok {
		clean := known && status.Exited()
		if died.Before(d.at) || !clean && died.Before(d.at.Add(togetherWithin)) {
			return history.OutcomeServerDied
		}
	}
	switch {
	case !known:
		return history.OutcomeUnknown
	case status.Exited() && status.ExitStatus() == 0:
		return history.OutcomeOK
	case status.Exited():
		return history.OutcomeFailed
	case status.Signal() == syscall.SIGKILL && d.oomKilled:
		return history.OutcomeOOM
	default:
		return history.OutcomeKilled
	}
}

// record writes the end into the fork's record.
func (d death) record(f *history.Fork) {
	f.Outcome = d.outcome()
	status, known := d.status.Get()
	switch {
	case known && status.Exited():
		f.ExitStatus = opt.Of(status.ExitStatus())
	case known && status.Signaled():
		f.Signal = opt.Of(proc.SignalName(status.Signal()))
	}
}

// outcomeOfInfo tells how a child ended from what INFO said before its birth
// and after its end: all there is where the kernel does not tell (before Linux
// 6.15 to another user). A child that the server cancelled leaves the status as
// it was, so only a change of the status, or a save newer than the fork, counts.
func outcomeOfInfo(kind history.Kind, start time.Time, before opt.Val[redisinfo.Info], after redisinfo.Info) history.Outcome {
	b, ok := before.Get()
	if !ok || b.RunID != after.RunID {
		return history.OutcomeUnknown
	}
	wasOK, isOK := b.LastBGSaveOK, after.LastBGSaveOK
	switch kind {
	case history.KindRDB:
		saved, known := after.LastSaveTime.Get()
		if known && saved >= start.Unix() && saved > b.LastSaveTime.Or(0) && isOK.Or(false) {
			return history.OutcomeOK
		}
	case history.KindAOF:
		wasOK, isOK = b.LastAOFRewriteOK, after.LastAOFRewriteOK
		if !wasOK.Or(true) && isOK.Or(false) {
			return history.OutcomeOK
		}
	case history.KindReplication, history.KindModule, history.KindSlotMigration, history.KindUnknown:
		return history.OutcomeUnknown
	}
	if wasOK.Or(false) && !isOK.Or(true) {
		return history.OutcomeFailed
	}
	return history.OutcomeUnknown
}

// finalCOW is the server's own figure about the last clean end of a kind. Disk
// saves, syncs and slot migrations share one field. 0 is sent before the first.
func finalCOW(kind history.Kind, info redisinfo.Info) opt.Val[uint64] {
	var bytes opt.Val[uint64]
	switch kind {
	case history.KindRDB, history.KindReplication, history.KindSlotMigration:
		bytes = info.RDBLastCOWBytes
	case history.KindAOF:
		bytes = info.AOFLastCOWBytes
	case history.KindModule:
		bytes = info.ModuleForkLastCOWBytes
	case history.KindUnknown:
	}
	if bytes.Or(0) == 0 {
		return opt.Val[uint64]{}
	}
	return bytes
}
