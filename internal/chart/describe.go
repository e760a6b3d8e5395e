package chart

import (
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// describe returns in sentences what the picture shows, for those who can't see it.
func (v *view) describe() string {
	var b strings.Builder
	b.WriteString("Private dirty and copied memory of the " + string(v.Kind) + " fork of " + v.Server + " over time. ")
	switch {
	case v.running:
		b.WriteString("The child has been running for " + words.Seconds(v.end) + ".")
	case v.endKnown:
		b.WriteString("The child lived " + words.Seconds(v.end) + " and ended: " + words.Outcome(v.Outcome) + ".")
	default:
		b.WriteString("The child ended at an unknown moment: " + words.Outcome(v.Outcome) + ".")
	}
	if p, ok := v.top.Get(); ok {
		b.WriteString(" Peak " + words.Bytes(p))
		if res, ok := v.ResidentBytes.Get(); ok && res > 0 {
			b.WriteString(", " + words.Percent(p, res) + " of the server's " + words.Bytes(res))
		}
		b.WriteString(".")
	} else {
		b.WriteString(" No reading of its memory.")
	}
	if s, ok := v.StallSeconds.Get(); ok {
		b.WriteString(" The server stood still for " + words.Seconds(s) + ".")
	}
	if c, whole, ok := v.copiedSoFar(); ok {
		b.WriteString(" The kernel copied ")
		if !whole {
			b.WriteString("at least ")
		}
		b.WriteString(words.Bytes(c) + " for the server's writes")
		if s, ok := v.CopyStallSeconds.Get(); ok {
			b.WriteString(", which took the server " + words.Seconds(s))
		}
		b.WriteString(".")
	}
	if t, ok := v.Tail.Get(); ok {
		b.WriteString(" The tail after the child's death: " + words.Tail(t) + ".")
	} else if v.tailGoing {
		b.WriteString(" The tail after the child's death is still going.")
	}
	if c, ok := v.ReportedCOWBytes.Get(); ok {
		b.WriteString(" The server itself reported " + words.Bytes(c) + ".")
	}
	if v.Partial {
		b.WriteString(" The beginning was not seen.")
	}
	return b.String()
}
