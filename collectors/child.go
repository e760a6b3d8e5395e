package collectors

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// needsMemory is what it takes to know a child's private dirty memory.
const needsMemory = "child_smaps or cgroup"

func childFamily() family {
	running := &Metric{
		Name:   "redis_fork_child_running",
		Type:   Gauge,
		Labels: []string{"kind"},
		Help:   "1 while a child of this kind is alive, else 0.",
		Note:   "A short child falls between two scrapes: count with redis_fork_children_total and redis_fork_child_seconds_total.",
		Needs:  "process",
	}
	start := &Metric{
		Name:   "redis_fork_child_start_timestamp_seconds",
		Type:   Gauge,
		Help:   "When the running child was born, in seconds since 1970.",
		Note:   "Of several children it is the oldest.",
		Needs:  "process",
		Absent: "no child",
	}
	const noSample = "a child lives that was not read yet"
	privateDirty := &Metric{
		Name:   "redis_fork_child_private_dirty_bytes",
		Type:   Gauge,
		Help:   "Bytes of memory that only the running children hold, 0 without a child.",
		Note:   "It would be freed if they died now. It counts pages that the server freed since the fork, and falls when the child gives pages back: it is not what was copied. Exact when read from child_smaps; between its reads, from the cgroup to some 64 pages per CPU, from counters to 2 % or 0.5 % of the server's resident memory, or from a sample of its pages to what the fork's page says.",
		Needs:  needsMemory,
		Absent: noSample,
	}
	swap := &Metric{
		Name:   "redis_fork_child_swap_bytes",
		Type:   Gauge,
		Help:   "Bytes of the running children's memory that are swapped out, 0 without a child.",
		Note:   "Pages shared with the server count too.",
		Needs:  needsMemory,
		Absent: noSample,
	}
	hugePages := &Metric{
		Name:   "redis_fork_child_anonymous_huge_bytes",
		Type:   Gauge,
		Help:   "Bytes of the running children's memory that are transparent huge pages, 0 without a child.",
		Note:   "It falls as writes split them, and the next fork takes longer then.",
		Needs:  "child_smaps",
		Absent: noSample,
	}
	sampled := &Metric{
		Name:   "redis_fork_child_sample_timestamp_seconds",
		Type:   Gauge,
		Help:   "When the running child's memory was last read, in seconds since 1970.",
		Note:   "Of several children it is the one read longest ago. Where counters mislead and there is no cgroup, reads of large children are far apart to spare the server.",
		Needs:  needsMemory,
		Absent: "no child, or none that was read",
	}
	progress := &Metric{
		Name:   "redis_fork_child_progress_ratio",
		Type:   Gauge,
		Help:   "Keys that the running child has written (current_save_keys_processed), of those to write (current_save_keys_total).",
		Note:   "The child is that of a save, a rewrite or a sync. Keys are not bytes: time left is not proportional to it where values differ in size.",
		Needs:  "INFO (Redis 6.2)",
		Absent: "no such child, or the server does not answer",
	}
	seconds := &Metric{
		Name:   "redis_fork_child_seconds_total",
		Type:   Counter,
		Labels: []string{"kind"},
		Help:   "Seconds during which a child of this kind was alive, the running one included.",
		Needs:  "process",
	}
	return family{
		group:   "Is a child alive now, and what does it hold?",
		metrics: []*Metric{running, start, privateDirty, swap, hugePages, sampled, progress, seconds},
		perServer: func(v view, out sink) {
			alive := make(map[fork.Kind]bool, 1)
			var born time.Time
			for _, c := range v.Children {
				alive[c.Kind] = true
				if born.IsZero() || c.Start.Before(born) {
					born = c.Start
				}
			}
			for _, k := range v.kinds() {
				if v.seesChildren() {
					out.flag(running, alive[k], string(k))
				}
				out.value(seconds, v.Totals.ChildSeconds[k], string(k))
			}
			if !born.IsZero() {
				out.value(start, unixSeconds(born))
			}
			if sum, ok := sampleSum(v).Get(); ok {
				out.value(privateDirty, float64(sum.PrivateDirty))
				present(out, swap, sum.Swap)
				if v.Available[fork.SourceChildSmaps] { // nobody else tells
					present(out, hugePages, sum.AnonymousHuge)
				}
				if !sum.Time.IsZero() {
					out.value(sampled, unixSeconds(sum.Time))
				}
			}
			present(out, progress, saveProgress(v))
		},
	}
}

// sampleSum returns the sum of the last samples of the children in v; its time is the
// oldest one's, and zero without a child. It is absent when it would be too small:
// where a child was not read yet, or none can be.
func sampleSum(v view) opt.Val[fork.Sample] {
	if !v.Available[fork.SourceChildSmaps] && !v.Available[fork.SourceCgroup] {
		return opt.Val[fork.Sample]{}
	}
	sum := fork.Sample{Swap: opt.Of(uint64(0)), AnonymousHuge: opt.Of(uint64(0))}
	for _, c := range v.Children {
		s, ok := c.Sample.Get()
		if !ok {
			return opt.Val[fork.Sample]{}
		}
		sum.PrivateDirty += s.PrivateDirty
		sum.Swap, sum.AnonymousHuge = plus(sum.Swap, s.Swap), plus(sum.AnonymousHuge, s.AnonymousHuge)
		if sum.Time.IsZero() || s.Time.Before(sum.Time) {
			sum.Time = s.Time
		}
	}
	return opt.Of(sum)
}

// plus returns the sum of a and b; absent where one of the two is.
func plus(a, b opt.Val[uint64]) opt.Val[uint64] {
	x, ok1 := a.Get()
	y, ok2 := b.Get()
	if !ok1 || !ok2 {
		return opt.Val[uint64]{}
	}
	return opt.Of(x + y)
}

// saveProgress returns how much of the keys the running child in v has written, from
// 0 to 1. The server adds up what the child writes, which can be more than the keys
// it counted at the fork.
func saveProgress(v view) opt.Val[float64] {
	done, ok := v.current.SaveKeysProcessed.Get()
	total := v.current.SaveKeysTotal.Or(0)
	if !ok || total == 0 || !writingKeys(v) {
		return opt.Val[float64]{}
	}
	return opt.Of(min(1, float64(done)/float64(total)))
}

// writingKeys reports whether v has a living child that writes all keys, and that the
// last reply to INFO can speak of. The server counts keys for modules' children too,
// which report no keys, and for a slot's migration, which never writes them all.
func writingKeys(v view) bool {
	if !v.seesChildren() {
		return v.infoSaves()
	}
	for _, c := range v.Children {
		switch c.Kind {
		case fork.KindRDB, fork.KindAOF, fork.KindReplication:
			if !v.InfoAt.Before(c.Start) {
				return true
			}
		case fork.KindModule, fork.KindSlotMigration, fork.KindUnknown:
		}
	}
	return false
}
