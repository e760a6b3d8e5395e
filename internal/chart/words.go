package chart

import (
	"strconv"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// KindWord is a kind as people read it.
func KindWord(k fork.Kind) string {
	switch k {
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
	return string(k)
}

// OutcomeWord is an outcome as people read it; no outcome yet is "running".
func OutcomeWord(o fork.Outcome) string {
	switch o {
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
	return string(o)
}

// OutcomeClass groups the outcomes by what they mean to the reader: run, ok,
// bad, cut (cancelled on purpose) or unk. It names the color and the shape.
func OutcomeClass(o fork.Outcome) string {
	if o == "" {
		return "run"
	}
	if _, bad := o.Reason(); bad {
		return "bad"
	}
	switch o { //nolint:exhaustive // the failures are above, the rest is unknown
	case fork.OutcomeOK:
		return "ok"
	case fork.OutcomeCancelled:
		return "cut"
	}
	return "unk"
}

// Cause is the detail of an ending: the signal or the exit status, "" for neither.
func Cause(f *fork.Record) string {
	if s, ok := f.Signal.Get(); ok {
		return s
	}
	if s, ok := f.ExitStatus.Get(); ok && s != 0 {
		return "exit status " + strconv.Itoa(s)
	}
	return ""
}

// describe says in sentences what the picture shows, for those who can't see it.
func (v *view) describe() string {
	var b strings.Builder
	b.WriteString("Private dirty and copied memory of the " + string(v.Kind) + " fork of " + v.Server + " over time. ")
	switch {
	case v.running:
		b.WriteString("The child has been running for " + Seconds(v.end) + ".")
	case v.endKnown:
		b.WriteString("The child lived " + Seconds(v.end) + " and ended: " + OutcomeWord(v.Outcome) + ".")
	default:
		b.WriteString("The child ended at an unknown moment: " + OutcomeWord(v.Outcome) + ".")
	}
	if p, ok := v.top.Get(); ok {
		b.WriteString(" Peak " + Bytes(p))
		if res, ok := v.ResidentBytes.Get(); ok && res > 0 {
			b.WriteString(", " + Percent(p, res) + " of the server's " + Bytes(res))
		}
		b.WriteString(".")
	} else {
		b.WriteString(" No reading of its memory.")
	}
	if s, ok := v.StallSeconds.Get(); ok {
		b.WriteString(" The server stood still for " + Seconds(s) + ".")
	}
	if c, whole, ok := v.copiedSoFar(); ok {
		b.WriteString(" The kernel copied ")
		if !whole {
			b.WriteString("at least ")
		}
		b.WriteString(Bytes(c) + " for the server's writes")
		if s, ok := v.CopyStallSeconds.Get(); ok {
			b.WriteString(", which took the server " + Seconds(s))
		}
		b.WriteString(".")
	}
	if t, ok := v.Tail.Get(); ok {
		b.WriteString(" The tail after the child's death: " + TailWord(t) + ".")
	} else if v.tailGoing {
		b.WriteString(" The tail after the child's death is still going.")
	}
	if c, ok := v.ReportedCOWBytes.Get(); ok {
		b.WriteString(" The server itself reported " + Bytes(c) + ".")
	}
	if v.Partial {
		b.WriteString(" The beginning was not seen.")
	}
	return b.String()
}
