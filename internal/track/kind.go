package track

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// resolveKind returns what a fork was for, from all that is known: titled is the kind
// that the child's title gave (unknown before it has one), before the last reply before
// its birth and after the first one after. It may be asked again as more becomes known.
func resolveKind(titled fork.Kind, before, after opt.Val[redisinfo.Info]) fork.Kind {
	reply, ok := after.Get()
	if !ok {
		return titled
	}
	kind := titled
	if kind == fork.KindUnknown {
		kind = kindOfInfo(before, reply)
	}
	if kind == fork.KindRDB && forReplica(before, reply) {
		kind = fork.KindReplication
	}
	return kind
}

// kindOfInfo returns a child's kind by before, the last reply before its birth, and
// after, a reply while it lived (or was not reaped yet): by the flags, and where those
// are down already by the counters of attempts that servers have since 7.0.
// It returns unknown rather than guess between two.
func kindOfInfo(before opt.Val[redisinfo.Info], after redisinfo.Info) fork.Kind {
	rdb := after.BGSaveInProgress.Or(false) && !after.ForklessSave
	aof := after.AOFRewriteInProgress.Or(false)
	module := after.ModuleForkInProgress.Or(false)
	if !rdb && !aof && !module {
		b, ok := before.Get()
		if !ok || b.RunID != after.RunID || rise(b.TotalForks, after.TotalForks) != 1 {
			return fork.KindUnknown
		}
		rdb = rise(b.RDBSaves, after.RDBSaves) == 1
		aof = rise(b.AOFRewrites, after.AOFRewrites) == 1
	}
	switch {
	case rdb && !aof && !module:
		if b, ok := before.Get(); ok && after.ReplicasWaiting.Or(0) > 0 &&
			rise(b.TotalForks, after.TotalForks) == 1 && after.RDBSaves.Present() && rise(b.RDBSaves, after.RDBSaves) == 0 {
			return fork.KindReplication // diskless: a child, a replica that waits, and no attempt at a disk save
		}
		return fork.KindRDB
	case aof && !rdb && !module:
		return fork.KindAOF
	case module && !rdb && !aof:
		return fork.KindModule
	}
	return fork.KindUnknown
}

// forReplica reports whether a disk save was started by a replica's full sync: its child
// has the title of one that was asked for. The sync starts its save
// at once when the replica asks, or when the child that stood in its way has
// ended; a replica that was waiting before without a child in the way waits for
// the delay of a diskless sync, which has another title.
func forReplica(before opt.Val[redisinfo.Info], after redisinfo.Info) bool {
	if after.ReplicasWaiting.Or(0) == 0 {
		return false
	}
	b, ok := before.Get()
	if !ok {
		return false
	}
	childBefore := b.BGSaveInProgress.Or(false) || b.AOFRewriteInProgress.Or(false) || b.ModuleForkInProgress.Or(false)
	return b.ReplicasWaiting.Or(0) == 0 || childBefore
}

// refusedForks counts the forks that the kernel refused between two replies of one
// run of the server: attempts that grew without a fork, with the status saying
// err. Servers count attempts since 7.0; before, a refused fork can't be told
// from a missed one. Where forks of kinds without an attempts counter happened
// in the same second the count is too low, never too high; a foreground SAVE
// that fails while the status is err already counts too.
func refusedForks(before, after redisinfo.Info) map[fork.Kind]uint64 {
	if before.RunID != after.RunID || !after.TotalForks.Present() || after.ForklessSave {
		return nil
	}
	saves, rewrites := rise(before.RDBSaves, after.RDBSaves), rise(before.AOFRewrites, after.AOFRewrites)
	forks := rise(before.TotalForks, after.TotalForks)
	out := map[fork.Kind]uint64{}
	if ok, known := after.LastBGSaveOK.Get(); known && !ok && saves > forks {
		out[fork.KindRDB] = saves - forks
		forks = 0
	} else {
		forks -= min(forks, saves)
	}
	if ok, known := after.LastAOFRewriteOK.Get(); known && !ok && rewrites > forks {
		out[fork.KindAOF] = rewrites - forks
	}
	return out
}

// fell reports whether a total is less in after than in before: it was set back.
func fell(before, after opt.Val[uint64]) bool {
	b, okB := before.Get()
	a, okA := after.Get()
	return okB && okA && a < b
}

// rise returns by how much a total grew from before to after; 0 if it fell or is absent.
func rise(before, after opt.Val[uint64]) uint64 {
	b, okB := before.Get()
	a, okA := after.Get()
	if !okB || !okA || a < b {
		return 0
	}
	return a - b
}
