package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

const (
	estimateSave = 5 * time.Second
	baseTime     = 5 * time.Second // from the load's start to the fork: what the server needs without copies
)

// copyTime is one fork's time in copies, as the kernel accounts it and as an exporter
// estimates it that has no right to ask for that.
type copyTime struct {
	load       string
	rate, busy int

	accounted time.Duration
	copies    uint64
	idle      float64          // share of the processors' time
	exporter  opt.Val[float64] // seconds
}

// estimate measures forks under the chosen loads.
func (b *bench) estimate(ctx context.Context) (err error) {
	var rows []copyTime
	defer func() { err = errors.Join(err, printEstimates(b.out, rows)) }()
	for _, w := range b.loads {
		for _, rate := range []int{w.slow, w.fast} {
			for _, busy := range b.busy {
				r := copyTime{load: w.name, rate: rate, busy: busy}
				if err := b.estimateOne(ctx, w, &r); err != nil {
					return fmt.Errorf("%s, %d/s, %d busy: %w", w.name, rate, busy, err)
				}
				b.Say("%+v", r)
				rows = append(rows, r)
			}
		}
	}
	return nil
}

// estimateOne makes one fork under w and fills in r.
func (b *bench) estimateOne(ctx context.Context, w workload, r *copyTime) (err error) {
	s, err := setScene(ctx, b.fs, sceneOptions{workload: w, bytes: b.bytes, save: estimateSave})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	e, err := b.startExporter(ctx, s.Addr(), withoutAccounting())
	if err != nil {
		return err
	}
	defer e.Stop()
	stopSpinning, err := rig.Spin(r.busy)
	if err != nil {
		return err
	}
	defer stopSpinning()
	load := s.startLoad(ctx, w, r.rate)
	defer load.Stop()
	if err := rig.Sleep(ctx, baseTime); err != nil {
		return err
	}
	before, err := b.stats.Process(s.PID())
	if err != nil {
		return err
	}
	idle, err := rig.WatchIdle()
	if err != nil {
		return err
	}
	child, err := s.Save(ctx)
	if err != nil {
		return err
	}
	defer child.Close()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-child.Exited():
	}
	after, err := b.stats.Process(s.PID())
	if err != nil {
		return err
	}
	if r.idle, err = idle(); err != nil {
		return err
	}
	r.copies = taskstats.CountDelta(before.CopyCount, after.CopyCount)
	r.accounted = after.CopyDelay - before.CopyDelay
	f, err := e.record(ctx, child.ID().PID)
	r.exporter = f.EstimatedCopyStallSeconds
	return errors.Join(err, load.Stop())
}
