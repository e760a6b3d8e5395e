package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

const (
	accuracySave = 8 * time.Second
	// lead is how long the load runs before a save: some readings of the exporter's
	// that are to be its zero.
	lead = 3 * time.Second
)

// seen is one save, as one exporter saw it.
type seen struct {
	load      string
	hugePages bool
	exporter  string // its setting

	dataset, peak, copied float64 // bytes
	seconds               float64
	slots                 float64 // share that have a point
	truthEvery, truthTook time.Duration
	dirty, copies         []score
	unchecked             int
	fork                  fork.Record
}

// accuracy measures the curves of a save under every load.
func (b *bench) accuracy(ctx context.Context) (err error) {
	var runs []seen
	defer func() { err = errors.Join(err, printAccuracy(b.out, runs)) }() // what there is, also after Ctrl-C
	for _, huge := range []bool{false, true} {
		mode := "madvise"
		if huge {
			mode = "always"
		}
		restore, err := rig.Set(ctx, rig.HugePages, mode)
		if err != nil {
			return err
		}
		for _, w := range b.loads {
			for _, own := range []bool{true, false} {
				more, e := b.accuracyOne(ctx, w, huge, own)
				runs = append(runs, more...)
				if e != nil {
					return errors.Join(fmt.Errorf("%s: %w", w.name, e), restore())
				}
			}
		}
		if err := restore(); err != nil {
			return err
		}
	}
	return nil
}

// accuracyOne follows one save. Without a cgroup of the server's own, two
// exporters do: one may ask for delay accounting, the other not.
func (b *bench) accuracyOne(ctx context.Context, w workload, huge, own bool) (runs []seen, err error) {
	s, err := setScene(ctx, b.fs, sceneOptions{workload: w, bytes: b.bytes, save: accuracySave, cgroup: own, hugePages: huge})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	watchers, err := b.watchers(ctx, s, own)
	defer func() {
		for _, w := range watchers {
			w.Stop()
		}
	}()
	if err != nil {
		return nil, err
	}
	load := s.startLoad(ctx, w, w.slow+(w.fast-w.slow)/2)
	defer load.Stop()
	if err := rig.Sleep(ctx, lead); err != nil {
		return nil, err
	}
	zero, err := b.stats.Process(s.PID())
	if err != nil {
		return nil, err
	}
	born := time.Now()
	child, err := s.Save(ctx)
	if err != nil {
		return nil, err
	}
	defer child.Close()
	dirty, copied := readTruth(ctx, child, s.PID(), b.stats, zero, born)
	if err := errors.Join(ctx.Err(), load.Stop()); err != nil {
		return nil, err
	}
	for _, e := range watchers {
		f, err := e.record(ctx, child.ID().PID)
		if err != nil {
			return runs, err
		}
		r := seen{load: w.name, hugePages: huge, exporter: e.setting, fork: f}
		r.compare(dirty, copied)
		b.Say("%s", r.String())
		runs = append(runs, r)
	}
	return runs, nil
}

// watcher is an exporter in a setting.
type watcher struct {
	*exporter
	setting string
}

// watchers starts the exporters that follow one save.
func (b *bench) watchers(ctx context.Context, s *scene, own bool) (all []watcher, err error) {
	type setting struct {
		name    string
		wrapper []string
	}
	settings := []setting{{"own cgroup", nil}}
	if !own {
		settings = []setting{{"shared cgroup", nil}, {"shared cgroup, no taskstats", withoutAccounting()}}
	}
	for _, x := range settings {
		e, err := b.startExporter(ctx, s.Addr(), x.wrapper)
		if err != nil {
			return all, err
		}
		all = append(all, watcher{e, x.name})
	}
	return all, nil
}

// compare holds the record to the truth.
func (r *seen) compare(dirty, copied []truth) {
	r.dataset, r.seconds = float64(r.fork.ResidentBytes.Or(0)), r.fork.LifetimeSeconds.Or(0)
	r.peak, r.copied, r.slots = highest(dirty), highest(copied), filled(&r.fork)
	r.dirty, r.unchecked = scoreDirty(&r.fork, dirty, r.dataset)
	r.copies, _ = scoreCopied(&r.fork, copied)
	for _, t := range dirty[1:] {
		r.truthTook += t.to.Sub(t.from) / time.Duration(len(dirty)-1)
	}
	r.truthEvery = dirty[len(dirty)-1].to.Sub(dirty[0].from) / time.Duration(len(dirty))
}

// String tells a run in one line.
func (r *seen) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, huge pages %v, %s: %.1f s, peak %.0f of %.0f MB, truth every %v in %v;",
		r.load, r.hugePages, r.exporter, r.seconds, mega(r.peak), mega(r.dataset), r.truthEvery.Round(time.Millisecond), r.truthTook.Round(time.Millisecond))
	for _, s := range r.dirty {
		fmt.Fprintf(&b, " %s %d points off by %.1f MB", s.source, s.points, mega(s.largest))
	}
	return b.String()
}

func mega(bytes float64) float64 { return bytes / 1e6 }
