package watch

import (
	"log/slog"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// tell logs an action of which people should know; others are silent.
func tell(log *slog.Logger, a track.Action) {
	switch a := a.(type) {
	case track.AnswersAgain:
		log.Info("The server answers again")
	case track.NoAnswer:
		log.Warn("The server does not answer INFO", "err", a.Problem)
	case track.Restarted:
		log.Info("The server has been restarted", "version", a.Version)
	case track.Unseen:
		why := "their children were gone before the next look"
		if a.NoProcess {
			why = "the server's process is not known, only INFO is"
		}
		log.Warn("Forks were not seen", "forks", a.Forks, "why", why)
	case track.Refused:
		log.Warn("The kernel refused a fork", "kind", a.Kind, "times", a.Times)
	case track.NoProcess:
		log.Warn("The server's process is not known, only INFO is", "why", a.Why)
	case track.NoFork:
		log.Debug("A child of the server is no fork", "child", a.PID, "why", a.Why)
	case track.SourceLost:
		if a.Source == fork.SourcePagemap {
			log.Warn("The child's pages can't be read", "err", a.Err, "remedy", words.ReadPages(words.TheExporter))
			return
		}
		log.Warn("The child's smaps can't be read", "err", a.Err, "remedy", words.ReadSmaps(words.TheExporter))
	case track.ReadingFailed:
		log.Debug("Reading the child's smaps failed", "err", a.Err)
	case track.Closed:
		logFork(log, a.Record)
	case track.TailEnded:
		logTail(log, a.ID, a.Tail)
	}
}

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
