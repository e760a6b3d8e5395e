package pages

import (
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// copyTimeNote returns what the time that f spent copying compares to, or what it would
// take to know it.
func copyTimeNote(f *fork.Record) string {
	s, ok := f.CopyStallSeconds.Get()
	if e, estimated := f.EstimatedCopyStallSeconds.Get(); !ok && estimated {
		return "Not measured. About " + words.Seconds(e) + ", estimated from how the running time of the server's main thread rose with the pages copied. To measure it, switch on the kernel's delay accounting (taskstats): the landing page says how."
	}
	if !ok {
		return "Needs the kernel's delay accounting (taskstats): the landing page says how to switch it on."
	}
	said := "The server spent " + words.Seconds(s) + " copying pages"
	if per := words.CopyShare(f); per != "" {
		said += ", " + per + " of the child's life"
	}
	if times := words.CopyStalls(f); times != "" {
		said += ", " + times
	}
	return said + ". The kernel counts the copies alone; the faults around them come on top."
}

func copiedNote(f *fork.Record) string {
	const is = "What the kernel had to allocate for the server's writes while the child lived. "
	switch {
	case f.CopiedBytes.Present() && f.CopiedSource == fork.SourceTaskstats:
		return is + "By the kernel's delay accounting, which counts each copy."
	case f.CopiedBytes.Present():
		return is + "By the server's page faults beyond its growth, which equal the copies as long as neither process gives memory back and the server does not grow by huge pages."
	case len(f.CopiedCurve) > 0:
		return is + "Known for the beginning only: " + words.CopiesLost + "."
	}
	return is
}

// tailHTML returns the duration of the tail of f, or whether that is still going.
func tailHTML(f *fork.Record, now time.Time) template.HTML {
	if t, ok := f.Tail.Get(); ok {
		return titled(words.Tail(t), strconv.FormatFloat(t.Seconds, 'f', -1, 64)+" seconds after the death")
	}
	if f.TailGoing(now) {
		return titled("still going", "the tail is followed for a minute, or until the next fork")
	}
	return none
}

func tailFaultsHTML(v opt.Val[fork.Tail]) template.HTML {
	t, ok := v.Get()
	if !ok {
		return none
	}
	return countHTML(opt.Of(t.Faults))
}

func readings(f *fork.Record) template.HTML {
	if len(f.Curve) == 0 {
		return titled("none", "the child's memory was not readable, or its life too short")
	}
	return titled(words.Plural(uint64(len(f.Curve)), "reading", "readings"), "points of the private dirty line")
}

// readingsNote returns how many points of both lines each source has given.
func readingsNote(f *fork.Record) string {
	dirty := map[fork.Source]int{}
	for _, p := range f.Curve {
		dirty[p.Source]++
	}
	copied := map[fork.Source]int{}
	for _, p := range f.CopiedCurve {
		copied[p.Source]++
	}
	note := ""
	if len(dirty) > 0 {
		note += "Private dirty: " + bySource(dirty) + ". "
	}
	if len(copied) > 0 {
		note += "Copied: " + bySource(copied) + ". "
	}
	return note + "Between two points the line is only a line."
}

// bySource returns the counts n by source, in an order that does not change.
func bySource(n map[fork.Source]int) string {
	var said []string
	rest := 0
	for _, count := range n {
		rest += count
	}
	for _, s := range [...]fork.Source{fork.SourceChildSmaps, fork.SourcePagemap, fork.SourceCgroup, fork.SourceTaskstats, fork.SourceCounters} {
		if n[s] > 0 {
			said = append(said, words.Count(uint64(n[s]))+" by "+words.Source(s))
			rest -= n[s]
		}
	}
	if rest > 0 {
		said = append(said, words.Count(uint64(rest))+" by another source")
	}
	return strings.Join(said, ", ")
}
