package check

import (
	"fmt"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// room reports whether the disk has room for the next save. A save is written beside
// the last one, which it replaces when it is whole.
func (f *facts) room() Finding {
	const mend = "free space there, or move the server's dir to a larger file system"
	disk, ok := f.disk.Get()
	if !ok {
		return f.unread(diskSpace, "The server's directory", words.ReadSmaps(words.ThisCommand))
	}
	free := words.Bytes(disk.Free) + " are free in " + disk.Path
	if file, ok := f.rdbFileBytes.Get(); ok {
		last := words.Bytes(file)
		switch {
		case disk.Free < file:
			return f.fail(diskSpace, "Only "+free+", and the last save was "+last+": the next one would fail.", mend)
		case disk.Free < file+file/2:
			return f.warn(diskSpace, "Only "+free+", and the last save was "+last+": a save stands beside the last one until it is whole.", mend)
		}
		return f.ok(diskSpace, free+"; the last save was "+last+".")
	}
	used := f.info().UsedMemory
	bytes, known := used.Get()
	if !known {
		return finding(diskSpace, Unknown, free+"; how large a save would be is not known.", "")
	}
	if disk.Free < bytes {
		return f.warn(diskSpace, "Only "+free+", less than the "+words.Bytes(bytes)+" that the server holds; how large a save would be is not known.", mend)
	}
	return f.ok(diskSpace, free+", more than the "+words.Bytes(bytes)+" that the server holds.")
}

func (f *facts) info() redisinfo.Info {
	if f.state.Info == nil {
		return redisinfo.Info{}
	}
	return *f.state.Info
}

// ended reports how the last save, rewrite and fork ended.
func (f *facts) ended() Finding {
	const mend = "the server's log says why; then BGSAVE, or BGREWRITEAOF"
	i := f.info()
	if !i.LastBGSaveOK.Or(true) {
		return f.fail(lastOutcome, "The last save failed.", mend)
	}
	if !i.LastAOFRewriteOK.Or(true) {
		return f.fail(lastOutcome, "The last AOF rewrite failed.", mend)
	}
	if last, ok := newest(f.state.Recent); ok {
		how := fmt.Sprintf("The last fork that was seen (%s, %s UTC) ended: %s", words.Kind(last.Kind), last.Start.UTC().Format("2006-01-02 15:04"), words.Ending(&last))
		if _, bad := last.Outcome.Reason(); bad {
			return f.fail(lastOutcome, how+".", mend)
		}
		return f.ok(lastOutcome, how+".")
	}
	if !i.LastBGSaveSeconds.Present() && !i.LastAOFRewriteSeconds.Present() {
		return f.ok(lastOutcome, "The server has neither saved nor rewritten its AOF since its start.")
	}
	return f.ok(lastOutcome, "The last save and the last AOF rewrite that the server remembers ended well.")
}

func newest(forks []fork.Record) (last fork.Record, ok bool) {
	for _, f := range forks {
		if !ok || f.Start.After(last.Start) {
			last, ok = f, true
		}
	}
	return last, ok
}

// stopping reports what a failed save does to writes.
func (f *facts) stopping() Finding {
	stops, ok := yes(f.settings.get("stop-writes-on-bgsave-error")).Get()
	if !ok {
		return f.unsaid(stopWrites, "stop-writes-on-bgsave-error")
	}
	saves := strings.TrimSpace(f.settings.get("save").Or("?")) != ""
	switch {
	case stops && saves && !f.info().LastBGSaveOK.Or(true):
		return f.fail(stopWrites, "The last save failed, and stop-writes-on-bgsave-error is yes: the server refuses writes now (MISCONF).", "mend the cause and BGSAVE; until then CONFIG SET stop-writes-on-bgsave-error no lets writes in")
	case stops && saves:
		return f.ok(stopWrites, "stop-writes-on-bgsave-error is yes: when a save fails the server refuses writes (MISCONF) until one succeeds.")
	case stops:
		return f.ok(stopWrites, "stop-writes-on-bgsave-error is yes, which counts for nothing without save points.")
	}
	return f.ok(stopWrites, "stop-writes-on-bgsave-error is no: a failed save stops nobody, so alert on redis_fork_reported_last_save_success.")
}

// points reports what makes the server fork by itself.
func (f *facts) points() Finding {
	save, ok := f.settings.get("save").Get()
	if !ok {
		return f.unsaid(savePoints, "save")
	}
	aof := f.info().AOFEnabled.Or(false)
	fields := strings.Fields(save)
	switch {
	case len(fields) == 0 && aof:
		return f.ok(savePoints, "There are none: the server forks for AOF rewrites, for replicas and when told to.")
	case len(fields) == 0:
		return f.ok(savePoints, "There are none, and no AOF: the server forks for replicas and when told to.")
	}
	var said []string
	for i := 0; i+1 < len(fields); i += 2 {
		changes := " changes in "
		if fields[i+1] == "1" {
			changes = " change in "
		}
		said = append(said, fields[i+1]+changes+fields[i]+" s")
	}
	return f.ok(savePoints, "The server saves, and forks, after "+strings.Join(said, ", or ")+".")
}

// syncing reports how a replica gets its data.
func (f *facts) syncing() Finding {
	diskless, ok := yes(f.settings.get("repl-diskless-sync")).Get()
	switch {
	case !ok:
		return f.unsaid(disklessSync, "repl-diskless-sync")
	case diskless:
		return f.ok(disklessSync, "repl-diskless-sync is yes: each full sync forks a child that is no save, and that fails without a trace in INFO.")
	}
	return f.ok(disklessSync, "repl-diskless-sync is no: each full sync saves to disk first, and needs the space for that.")
}

// Stalls from here on are worth a warning: clients with common timeouts notice.
const longStall = 0.5 // seconds

// stalled reports how long the server will stand still.
func (f *facts) stalled(s *forecast.Survival) Finding {
	const mend = "let a replica do the saves, or spread the data over more servers; over 100 ms per GiB, look at the hypervisor"
	stall, ok := s.Fork.Stall.Get()
	if !ok {
		return finding(expectedStall, Unknown, "How long the next fork will stop the server is not known: "+words.NoBasis(s.Fork.NoStall)+".", "run check again after a save, or with --exporter=URL")
	}
	why := "The next fork is expected to stop the server for " + words.Seconds(stall.Seconds) + "."
	if stall.Seconds >= longStall {
		return f.warn(expectedStall, why, mend)
	}
	return f.ok(expectedStall, why)
}
