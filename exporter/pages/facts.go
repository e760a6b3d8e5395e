package pages

import (
	"html/template"
	"strconv"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// fact is one line of a fork's record.
type fact struct {
	Name  string
	Value template.HTML
	Note  string // what the figure is not, where it misleads
}

type factGroup struct {
	Title string
	Facts []fact
}

// facts returns everything in the record f; what was not known is listed too.
func facts(f *fork.Record, now time.Time) []factGroup {
	return []factGroup{
		{"Time", timeFacts(f, now)},
		{"Memory", memoryFacts(f)},
		{"Work", workFacts(f)},
		{"Identity", identityFacts(f)},
	}
}

func timeFacts(f *fork.Record, now time.Time) []fact {
	life := fact{"Lifetime", secondsHTML(f.LifetimeSeconds), "From birth to death. Every first write of the server to a shared page is copied during this time."}
	if f.Running() {
		life.Value = titled(words.Seconds(now.Sub(f.Start).Seconds())+" so far", "the child is running")
	}
	birth := f.Start.UTC().Format("2006-01-02 15:04:05.00 UTC")
	return []fact{
		{"Birth", titled(birth, f.Start.UTC().Format(time.RFC3339Nano)), "When fork(2) had returned, so the stall is already over. The kernel keeps it to 10 ms."},
		{"Stall", secondsHTML(f.StallSeconds), "How long fork(2) held the command thread, as the server timed it. Not known when " + words.StallLost + "."},
		{"Stall per GiB, in ms", rateHTML(f.StallSeconds, f.ResidentBytes), "Compares servers of different size. Huge pages make it small without making the copies cheap."},
		life,
		{"Time spent copying", secondsHTML(f.CopyStallSeconds), copyTimeNote(f)},
		{"Tail", tailHTML(f, now), "After the death: each page that is still protected costs the server's first write one more fault, without a copy. Followed for a minute at most, and not beyond the next fork."},
	}
}

func memoryFacts(f *fork.Record) []fact {
	return []fact{
		{"Resident at the fork", bytesHTML(f.ResidentBytes), "The server's memory that both processes shared at birth."},
		{"Page tables at the fork", bytesHTML(f.PageTableBytes), "What fork(2) had to copy while the server stood still."},
		{"Peak private dirty", bytesHTML(f.PeakBytes), "The most memory that the child alone held: what its death would have freed. Not the same as what the fork added to the machine: a page that the server gives back becomes the child's alone without a copy."},
		{"Peak, of resident", percentHTML(f.PeakBytes, f.ResidentBytes), "Can be above 100 % when the child itself needs much."},
		{"Extra memory, at most", bytesHTML(f.ExtraPeakBytes), "What server and child together held more than the server at the fork: what the machine had to find. It counts what the server grew by, and not what it freed."},
		{"Left in the memory cgroup, at least", bytesHTML(f.CgroupLeftBytes), "While the child lived, once a second; file cache that can be dropped counts as left."},
		{"Left on the host, at least", bytesHTML(f.HostLeftBytes), "Likewise, without swap."},
		{"Copied", bytesHTML(f.CopiedBytes), copiedNote(f)},
		{"Write faults while copying", countHTML(f.CopyFaults), "Of the server beyond its growth, until the death. A fault copies one page, or finds that nobody shares it any more."},
		{"Write faults in the tail", tailFaultsHTML(f.Tail), ""},
		{"Reported by the server", bytesHTML(f.ReportedCOWBytes), "Copy-on-write as it counts it; " + words.FinalFigure + ": the last reading up to version 6.2, the highest since 7.0."},
		{"Reported meanwhile", template.HTML(words.Plural(uint64(len(f.Reported)), "figure", "figures")), "The hollow dots. Between two of them a server can be tens of seconds behind."}, //nolint:gosec // a number and a fixed word
		{"Swapped out, at most", bytesHTML(f.SwapPeakBytes), "Of the child. Swapped pages are missing from private dirty."},
	}
}

func workFacts(f *fork.Record) []fact {
	return []fact{
		{"Child's CPU time", secondsHTML(f.CPUSeconds), ""},
		{"Written by the child", bytesHTML(f.WrittenBytes), "Handed to storage, page cache included; not the size of the file."},
		{"Changes while it lived", changesHTML(f.Changes), "Keys changed; the server is asked once a second."},
		{"Changes since the last save", countHTML(f.ChangesBefore), "Keys changed, counted at the fork: what a failure would have left unsaved."},
	}
}

func identityFacts(f *fork.Record) []fact {
	out := []fact{
		{"Server", titled(f.Server, "configured name"), ""},
		{"Kind", titled(words.Kind(f.Kind), string(f.Kind)), ""},
		{"Outcome", titled(words.Outcome(f.Outcome), string(f.Outcome)), outcomeNote(f.Outcome)},
	}
	if s, ok := f.Signal.Get(); ok {
		out = append(out, fact{"Signal", titled(s, "that ended the child"), ""})
	}
	if s, ok := f.ExitStatus.Get(); ok {
		out = append(out, fact{"Exit status", titled(strconv.Itoa(s), "of the child"), ""})
	}
	out = append(out,
		fact{"Processes", titled("child "+strconv.Itoa(f.ChildPID)+" of server "+strconv.Itoa(f.ServerPID), "process ids"), ""},
		fact{"Readings", readings(f), readingsNote(f)},
		fact{"Record", titled(f.ID, "birth in Unix milliseconds, and the child's pid"), ""},
	)
	if f.Partial {
		out = append(out, fact{"Beginning", titled("not seen", "partial"), "Partial: " + words.BeginningUnseen + ". The true peak may lie before the first reading; this fork is kept out of the histograms."})
	}
	return out
}

func outcomeNote(o fork.Outcome) string {
	switch o {
	case fork.OutcomeCancelled:
		return "The server's own doing (FLUSHALL, a failover, a replica that left): not a failure."
	case fork.OutcomeKilled:
		return "By a signal. Nothing was saved."
	case fork.OutcomeOOM:
		return "The kernel ran out of memory and chose the child. Nothing was saved."
	case fork.OutcomeServerDied:
		return "The server ended before its child did, or with it."
	case fork.OutcomeFailed:
		return "The child gave up; the server's log says why. A full disk is the usual cause."
	case fork.OutcomeUnknown:
		return "Neither the kernel nor the server could tell."
	case fork.OutcomeOK:
	}
	return ""
}
