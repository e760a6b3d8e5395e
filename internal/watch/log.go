package watch

import (
	"log/slog"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// logFork tells a closed fork in one line.
func logFork(log *slog.Logger, f fork.Record) {
	attrs := []any{"kind", f.Kind, "outcome", f.Outcome, "id", f.ID, "child", f.ChildPID}
	attrs = appendSeconds(attrs, "stall", f.StallSeconds)
	attrs = appendSeconds(attrs, "lifetime", f.LifetimeSeconds)
	attrs = appendKnown(attrs, "resident_bytes", f.ResidentBytes)
	attrs = appendKnown(attrs, "private_dirty_peak_bytes", f.PeakBytes)
	if points := fork.PointsBySource(f.Curve); points != "" {
		attrs = append(attrs, "points", points)
	}
	attrs = appendKnown(attrs, "copied_bytes", f.CopiedBytes)
	if f.CopiedBytes.Present() {
		attrs = append(attrs, "copied_by", f.CopiedSource)
	}
	attrs = appendSeconds(attrs, "copy_stall", f.CopyStallSeconds)
	if !f.CopyStallSeconds.Present() {
		attrs = appendSeconds(attrs, "estimated_copy_stall", f.EstimatedCopyStallSeconds)
	}
	attrs = appendKnown(attrs, "reported_cow_bytes", f.ReportedCOWBytes)
	attrs = appendKnown(attrs, "exit_status", f.ExitStatus)
	attrs = appendKnown(attrs, "signal", f.Signal)
	if f.Partial {
		attrs = append(attrs, "partial", true)
	}
	log.Info("A fork has ended", attrs...)
}

// logTail tells what a fork still cost after its child, which is known later.
func logTail(log *slog.Logger, id string, t fork.Tail) {
	attrs := []any{"id", id, "tail", time.Duration(t.Seconds * float64(time.Second)).Round(time.Millisecond), "write_faults", t.Faults, "truncated", t.Truncated}
	log.Info("The tail of a fork has ended", appendKnown(attrs, "left_bytes", t.Left)...)
}

func appendSeconds(attrs []any, key string, v opt.Val[float64]) []any {
	if s, ok := v.Get(); ok {
		attrs = append(attrs, key, time.Duration(s*float64(time.Second)).Round(time.Microsecond))
	}
	return attrs
}

func appendKnown[T any](attrs []any, key string, v opt.Val[T]) []any {
	if x, ok := v.Get(); ok {
		attrs = append(attrs, key, x)
	}
	return attrs
}
