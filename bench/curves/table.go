package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// printAccuracy makes a row of each run and source.
func printAccuracy(out io.Writer, runs []seen) error {
	dirty := rig.Table{Head: []string{
		"load", "huge pages", "exporter", "peak, MB", "source", "points", "largest error, MB", "% of peak", "% of data", "rms, % of peak", "beyond its own error", "beyond the bound",
	}}
	rest := rig.Table{Head: []string{
		"load", "huge pages", "exporter", "slots with a point", "copied, MB", "source", "largest error, % of copied", "beyond the bound", "our peak / the server's", "copy time: the estimate / taskstats", "points not checked",
	}}
	for _, r := range runs {
		name := []string{r.load, yes(r.hugePages), r.exporter}
		for _, s := range r.dirty {
			dirty.Row(append(name[:3:3], rig.Figure(mega(r.peak)), string(s.source), strconv.Itoa(s.points), rig.Figure(mega(s.largest)),
				percent(s.largest, r.peak), percent(s.largest, r.dataset), percent(s.rms(), r.peak), strconv.Itoa(s.outside), strconv.Itoa(s.beyond))...)
		}
		source, off, beyond := "none", "", ""
		for _, s := range r.copies {
			source, off, beyond = string(s.source), percent(s.largest, r.copied), strconv.Itoa(s.beyond)
		}
		rest.Row(append(name[:3:3], fmt.Sprintf("%.0f %%", 100*r.slots), rig.Figure(mega(r.copied)), source, off, beyond, share(r.fork.PeakBytes, r.fork.ReportedCOWBytes), share(r.fork.EstimatedCopyStallSeconds, r.fork.CopyStallSeconds), strconv.Itoa(r.unchecked))...)
	}
	if err := dirty.Print(out); err != nil {
		return err
	}
	return rest.Print(out)
}

func printForks(out io.Writer, all []counted) error {
	t := rig.Table{Head: []string{
		"forks", "server's hz", "", "shortest life seen", "children_total", "unobserved: child", "records", "twice", "stall_seconds_count", "unobserved: duration", "as it must be",
	}}
	for _, c := range all {
		t.Row(strconv.Itoa(c.forks), strconv.Itoa(c.hz), c.name, c.shortest.Round(time.Millisecond/10).String(), strconv.Itoa(c.accounts.children), strconv.Itoa(c.accounts.unseen),
			strconv.Itoa(len(c.records)), strconv.Itoa(c.twice()), strconv.Itoa(c.accounts.durations), strconv.Itoa(c.accounts.lost), yes(c.faults() == ""))
	}
	return t.Print(out)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func percent(part, whole float64) string { return fmt.Sprintf("%.2f", 100*part/whole) }

func share[T uint64 | float64](part, whole opt.Val[T]) string {
	p, ok1 := part.Get()
	w, ok2 := whole.Get()
	if !ok1 || !ok2 || w == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.3f", float64(p)/float64(w))
}

func printEstimates(out io.Writer, rows []copyTime) error {
	t := rig.Table{Head: []string{"load", "writes/s", "busy beside", "idle, %", "pages copied", "accounted, s", "µs a page", "the estimate / accounted"}}
	for _, r := range rows {
		t.Row(r.load, strconv.Itoa(r.rate), strconv.Itoa(r.busy), fmt.Sprintf("%.0f", 100*r.idle), strconv.FormatUint(r.copies, 10), fmt.Sprintf("%.3f", r.accounted.Seconds()),
			fmt.Sprintf("%.1f", r.accounted.Seconds()*1e6/float64(r.copies)), share(r.exporter, opt.Of(r.accounted.Seconds())))
	}
	return t.Print(out)
}
