package track

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// togetherWithin is how long after a child's death the server's own death still
// explains it: a whole cgroup killed at once dies in any order.
const togetherWithin = 200 * time.Millisecond

// death is what is known of a child's end.
type death struct {
	at         time.Time
	exit       opt.Val[fork.Exit]
	oomKilled  bool               // an oom_kill counter rose during the child's life
	serverDied opt.Val[time.Time] // when the server itself ended
}

// outcome returns what a child's end was by its wait status and the server's own end;
// unknown where there is no status.
func (d death) outcome() fork.Outcome {
	exit, known := d.exit.Get()
	if known && exit.Cancelled() {
		// Also at SHUTDOWN, where the server cancels its child and goes.
		return fork.OutcomeCancelled
	}
	if died, ok := d.serverDied.Get(); ok {
		clean := known && exit.Exited()
		if died.Before(d.at) || !clean && died.Before(d.at.Add(togetherWithin)) {
			return fork.OutcomeServerDied
		}
	}
	switch {
	case !known:
		return fork.OutcomeUnknown
	case exit.Exited() && exit.Status == 0:
		return fork.OutcomeOK
	case exit.Exited():
		return fork.OutcomeFailed
	case exit.Signal == "SIGKILL" && d.oomKilled:
		return fork.OutcomeOOM
	default:
		return fork.OutcomeKilled
	}
}

// record writes the end into the fork's record.
func (d death) record(f *fork.Record) {
	f.Outcome = d.outcome()
	exit, known := d.exit.Get()
	switch {
	case known && exit.Exited():
		f.ExitStatus = opt.Of(exit.Status)
	case known:
		f.Signal = opt.Of(exit.Signal)
	}
}

// outcomeOfInfo returns how a child ended by what INFO said before its birth
// and after its end: all there is where the kernel does not tell (before Linux
// 6.15 to another user). A child that the server cancelled leaves the status as
// it was, so only a change of the status, or a save newer than the fork, counts.
func outcomeOfInfo(kind fork.Kind, start time.Time, before opt.Val[redisinfo.Info], after redisinfo.Info) fork.Outcome {
	b, ok := before.Get()
	if !ok || b.RunID != after.RunID {
		return fork.OutcomeUnknown
	}
	wasOK, isOK := b.LastBGSaveOK, after.LastBGSaveOK
	switch kind {
	case fork.KindRDB:
		saved, known := after.LastSaveTime.Get()
		if known && saved >= start.Unix() && saved > b.LastSaveTime.Or(0) && isOK.Or(false) {
			return fork.OutcomeOK
		}
	case fork.KindAOF:
		wasOK, isOK = b.LastAOFRewriteOK, after.LastAOFRewriteOK
		if !wasOK.Or(true) && isOK.Or(false) {
			return fork.OutcomeOK
		}
	case fork.KindReplication, fork.KindModule, fork.KindSlotMigration, fork.KindUnknown:
		return fork.OutcomeUnknown
	}
	if wasOK.Or(false) && !isOK.Or(true) {
		return fork.OutcomeFailed
	}
	return fork.OutcomeUnknown
}

// finalCOW returns the server's own figure about the last clean end of a kind, in bytes. Disk
// saves, syncs and slot migrations share one field. 0 is sent before the first.
func finalCOW(kind fork.Kind, info redisinfo.Info) opt.Val[uint64] {
	var bytes opt.Val[uint64]
	switch kind {
	case fork.KindRDB, fork.KindReplication, fork.KindSlotMigration:
		bytes = info.RDBLastCOWBytes
	case fork.KindAOF:
		bytes = info.AOFLastCOWBytes
	case fork.KindModule:
		bytes = info.ModuleForkLastCOWBytes
	case fork.KindUnknown:
	}
	if bytes.Or(0) == 0 {
		return opt.Val[uint64]{}
	}
	return bytes
}
