package words

import (
	"strconv"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// Kind returns kind as people read it.
func Kind(kind fork.Kind) string {
	switch kind {
	case fork.KindRDB:
		return "RDB save"
	case fork.KindAOF:
		return "AOF rewrite"
	case fork.KindReplication:
		return "replication"
	case fork.KindModule:
		return "module"
	case fork.KindSlotMigration:
		return "slot migration"
	case fork.KindUnknown:
		return "unknown kind"
	}
	return string(kind)
}

// Outcome returns outcome as people read it: "running" where there is none yet.
func Outcome(outcome fork.Outcome) string {
	switch outcome {
	case "":
		return "running"
	case fork.OutcomeOOM:
		return "out of memory"
	case fork.OutcomeServerDied:
		return "server died"
	case fork.OutcomeUnknown:
		return "outcome unknown"
	case fork.OutcomeOK, fork.OutcomeFailed, fork.OutcomeKilled, fork.OutcomeCancelled:
	}
	return string(outcome)
}

// Cause returns the signal that ended the child of f, or its exit status; "" for
// neither.
func Cause(f *fork.Record) string {
	if s, ok := f.Signal.Get(); ok {
		return s
	}
	if s, ok := f.ExitStatus.Get(); ok && s != 0 {
		return "exit status " + strconv.Itoa(s)
	}
	return ""
}

// Ending returns how and when the child of f ended: "killed by SIGKILL after 8.42 s".
func Ending(f *fork.Record) string {
	text := Outcome(f.Outcome)
	if cause := Cause(f); cause != "" {
		word := " with "
		if f.Signal.Present() {
			word = " by "
		}
		text += word + cause
	}
	if s, ok := f.LifetimeSeconds.Get(); ok {
		text += " after " + Seconds(s)
	}
	return text
}

// Source returns what source is, as it reads after "by".
func Source(source fork.Source) string {
	switch source {
	case fork.SourceChildSmaps:
		return "smaps (exact)"
	case fork.SourcePagemap:
		return "a sample of pages"
	case fork.SourceCgroup:
		return "the memory cgroup"
	case fork.SourceTaskstats:
		return "delay accounting"
	case fork.SourceCounters:
		return "counters"
	case fork.SourceInfo, fork.SourceProcess:
	}
	return string(source)
}

// Tail returns in a few words how long the tail t was and, if it was not followed
// to its end, why not.
func Tail(t fork.Tail) string {
	var left string
	if n, ok := t.Left.Get(); ok {
		left = ", " + Bytes(n) + " still protected"
	}
	switch {
	case !t.Truncated:
		return Seconds(t.Seconds)
	case t.Seconds >= fork.TailLimit.Seconds()-1:
		return "given up after 60 s" + left
	}
	return Seconds(t.Seconds) + ", cut off by the next fork" + left
}
