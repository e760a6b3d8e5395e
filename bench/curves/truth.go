package main

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

const (
	dirtyEvery  = 75 * time.Millisecond
	copiedEvery = 20 * time.Millisecond
)

// readTruth reads what a fork's curves ought to be until its child has ended.
// zero is the server's delay accounting before the fork, born when that was.
func readTruth(ctx context.Context, child *proc.Process, server int, stats *taskstats.Client, zero taskstats.Stats, born time.Time) (dirty, copied []truth) {
	begin := truth{from: born, to: born}
	dirty, copied = []truth{begin}, []truth{begin}
	var both sync.WaitGroup
	both.Go(func() {
		every(ctx, child, dirtyEvery, func() bool {
			t := truth{from: time.Now()}
			smaps, err := child.Smaps()
			t.to, t.value = time.Now(), float64(smaps.PrivateDirty)
			// A child that is ending gives its memory back while it is read.
			if s, alive := child.Stat(); err != nil || alive != nil || s.VirtualBytes == 0 {
				return false
			}
			dirty = append(dirty, t)
			return true
		})
	})
	both.Go(func() {
		page := float64(os.Getpagesize())
		every(ctx, child, copiedEvery, func() bool {
			t := truth{from: time.Now()}
			s, err := stats.Process(server)
			t.to, t.value = time.Now(), page*float64(taskstats.CountDelta(zero.CopyCount, s.CopyCount))
			if err == nil {
				copied = append(copied, t)
			}
			return err == nil
		})
	})
	both.Wait()
	return dirty, copied
}

// every reads at intervals, and rests at least as long as a read took, until the
// child has ended, read returns false or ctx ends.
func every(ctx context.Context, child *proc.Process, interval time.Duration, read func() bool) {
	for {
		start := time.Now()
		if !read() {
			return
		}
		took := time.Since(start)
		select {
		case <-ctx.Done():
			return
		case <-child.Exited():
			return
		case <-time.After(max(took, interval-took)):
		}
	}
}
