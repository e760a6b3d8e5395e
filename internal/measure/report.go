package measure

import (
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/chart"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/terminal"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// Report returns what the fork f cost, its curve and its figures, in lines of at most
// width columns. The moment now matters only while the fork or its tail goes on.
func Report(f fork.Record, now time.Time, width int, color bool) string {
	head := words.Kind(f.Kind) + " of " + f.Server + ", " + f.Start.UTC().Format("2006-01-02 15:04:05") + " UTC: " + words.Ending(&f)
	if f.Running() {
		head += ", " + words.Seconds(now.Sub(f.Start).Seconds()) + " so far"
	}
	var b strings.Builder
	b.WriteString("\n" + terminal.Wrap(head, width, 2) + "\n")
	b.WriteString(chart.Text(f, now, width, color) + "\n")
	b.WriteString(terminal.Table(rows(&f, now), width))
	return b.String()
}

// rows returns the figures of f: time, memory, and what was left of it.
func rows(f *fork.Record, now time.Time) []terminal.Row {
	rows := []terminal.Row{
		stallRow(f), copyTimeRow(f), tailRow(f, now),
		{},
		copiedRow(f), peakRow(f), perKeyRow(f), reportedRow(f),
		{},
		leftover("cgroup left", f.CgroupLeftBytes, "its memory cgroup has no limit that can be seen here"),
		leftover("host left", f.HostLeftBytes, "the host's memory was not read"),
	}
	if f.Partial {
		rows = append(rows, terminal.Row{Name: "beginning", Value: "not seen", Note: words.BeginningUnseen})
	}
	return rows
}

func stallRow(f *fork.Record) terminal.Row {
	r := terminal.Row{Name: "stall", Value: known(f.StallSeconds, words.Seconds)}
	resident, ok := f.ResidentBytes.Get()
	switch rate := words.StallRate(f.StallSeconds, f.ResidentBytes); {
	case rate != "" && ok:
		r.Note = rate + " ms per GiB of the " + words.Bytes(resident) + " resident"
	case !f.StallSeconds.Present():
		r.Note = words.StallLost
	}
	return r
}

func copiedRow(f *fork.Record) terminal.Row {
	r := terminal.Row{Name: "copied", Value: known(f.CopiedBytes, words.Bytes)}
	switch {
	case f.CopiedBytes.Present():
		r.Note = join(share(f.CopiedBytes, f.ResidentBytes), "by "+words.Source(f.CopiedSource))
	case len(f.CopiedCurve) > 0:
		r.Note = "in the beginning only: " + words.CopiesLost
	}
	return r
}

func copyTimeRow(f *fork.Record) terminal.Row {
	r := terminal.Row{Name: "copies took", Value: known(f.CopyStallSeconds, words.Seconds)}
	switch s, estimated := f.EstimatedCopyStallSeconds.Get(); {
	case f.CopyStallSeconds.Present():
		r.Note = join("of the server's time", words.CopyShare(f), words.CopyStalls(f))
	case estimated:
		r.Value = "about " + words.Seconds(s)
		r.Note = "by the server's running time; to measure it: " + words.ReadDelays(words.ThisCommand)
	default:
		r.Note = "to measure it: " + words.ReadDelays(words.ThisCommand)
	}
	return r
}

func peakRow(f *fork.Record) terminal.Row {
	r := terminal.Row{Name: "peak", Value: known(f.PeakBytes, words.Bytes)}
	if f.PeakBytes.Present() {
		r.Note = join("private dirty", share(f.PeakBytes, f.ResidentBytes))
	} else {
		r.Note = "the child's memory can't be read: " + words.ReadSmaps(words.ThisCommand)
	}
	return r
}

// perKeyRow returns what was copied for each changed key. A page holds many keys, and
// is copied for the first of them.
func perKeyRow(f *fork.Record) terminal.Row {
	r := terminal.Row{Name: "per key", Value: words.NotKnown}
	changed, ok := changes(f).Get()
	if !ok {
		r.Note = "the server has not told how many keys were changed meanwhile"
		return r
	}
	r.Note = words.Plural(uint64(changed), "key was", "keys were") + " changed meanwhile"
	copied, what := f.CopiedBytes, "copied"
	if !copied.Present() {
		copied, what = f.PeakBytes, "private dirty at the peak" // about the same where keys are overwritten
	}
	if bytes, ok := copied.Get(); ok && changed >= 1 {
		r.Value = words.Bytes(uint64(float64(bytes) / changed))
		r.Note = what + ", per changed key; " + r.Note
	}
	return r
}

// changes returns how many keys were changed while the child of f lived. Of a child
// that is alive, and in old files, only the curve tells it.
func changes(f *fork.Record) opt.Val[float64] {
	if n := len(f.ExtraCurve); n > 0 && !f.Changes.Present() {
		return opt.Of(f.ExtraCurve[n-1].Changes)
	}
	return f.Changes
}

func reportedRow(f *fork.Record) terminal.Row {
	r := terminal.Row{Name: "server says", Value: known(f.ReportedCOWBytes, words.Bytes)}
	if f.ReportedCOWBytes.Present() {
		r.Note = share(f.ReportedCOWBytes, f.PeakBytes)
		if r.Note != "" {
			r.Note = strings.TrimSuffix(r.Note, "resident") + "the peak"
		}
	} else {
		r.Note = words.FinalFigure
	}
	r.Note = join(r.Note, words.Plural(uint64(len(f.Reported)), "figure", "figures")+" meanwhile")
	return r
}

func leftover(name string, v opt.Val[uint64], without string) terminal.Row {
	r := terminal.Row{Name: name, Value: known(v, words.Bytes), Note: "at the worst moment"}
	if !v.Present() {
		r.Note = without
	}
	return r
}

func tailRow(f *fork.Record, now time.Time) terminal.Row {
	r := terminal.Row{Name: "tail", Value: words.NotKnown, Note: "nobody counted"}
	if t, ok := f.Tail.Get(); ok {
		r.Value = words.Seconds(t.Seconds)
		r.Note = words.Plural(t.Faults, "write fault", "write faults") + " without a copy"
		r.Note = join(strings.TrimPrefix(strings.TrimPrefix(words.Tail(t), r.Value), ", "), r.Note)
	} else if f.TailGoing(now) {
		r.Value, r.Note = "going on", "the report did not wait for its end"
	} else if f.Running() {
		r.Value, r.Note = "not yet", "it begins with the child's death"
	}
	return r
}

// share returns part of the resident memory whole: "78 % of resident".
func share(part, whole opt.Val[uint64]) string {
	p, ok1 := part.Get()
	w, ok2 := whole.Get()
	if !ok1 || !ok2 || w == 0 {
		return ""
	}
	return words.Percent(p, w) + " of resident"
}

func known[T any](v opt.Val[T], text func(T) string) string {
	if x, ok := v.Get(); ok {
		return text(x)
	}
	return words.NotKnown
}

// join returns those of phrases that are not empty, with commas between them.
func join(phrases ...string) string {
	var said []string
	for _, p := range phrases {
		if p != "" {
			said = append(said, p)
		}
	}
	return strings.Join(said, ", ")
}
