package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// save is one BGSAVE as its server and its clients felt it.
type save struct {
	sent     time.Time // BGSAVE was sent
	answered time.Time // and answered: fork(2) is over, the child lives
	died     time.Time // the child

	serverWaited  time.Duration // its main thread for a CPU, from sent to died
	childWaited   time.Duration // the child for a CPU, in its life
	childEstimate bool          // its last 100 ms are not in it
	observerRan   time.Duration // CPU time, from sent to died
}

func (s save) seconds() float64 { return s.died.Sub(s.answered).Seconds() }

const schedstatEvery = 100 * time.Millisecond

// watchSave starts a BGSAVE and returns when its child has died.
func (b *bench) watchSave(ctx context.Context, h *host, w watching) (s save, err error) {
	before, err := rig.MainThread(h.PID())
	if err != nil {
		return s, err
	}
	observerBefore, err := w.cpu()
	if err != nil {
		return s, err
	}
	s.sent = time.Now()
	if err := h.Client().BgSave(ctx).Err(); err != nil {
		return s, fmt.Errorf("BGSAVE: %w", err)
	}
	s.answered = time.Now()
	child, err := h.Child()
	if err != nil {
		return s, err
	}
	defer child.Close()
	w.follow(child)
	last, err := lastSchedstat(ctx, child)
	if err != nil {
		return s, err
	}
	s.died = child.ExitTime()
	s.childWaited, s.childEstimate = last.Waited, last.estimate
	after, err := rig.MainThread(h.PID())
	if err != nil {
		return s, err
	}
	observerAfter, err := w.cpu()
	if err != nil {
		return s, err
	}
	s.serverWaited = after.Waited - before.Waited
	s.observerRan = observerAfter - observerBefore
	if status, known := child.ExitStatus(); known && status != 0 {
		return s, fmt.Errorf("the save failed with wait status %#x:\n%s", status, h.Log())
	}
	return s, nil
}

// finalSchedstat is a child's last schedstat.
type finalSchedstat struct {
	rig.Schedstat
	estimate bool // from a while before its death
}

// lastSchedstat waits for a child's death. The zombie still has its figures; but
// the server may reap it first, and what was last read in its life stands in.
func lastSchedstat(ctx context.Context, child *proc.Process) (last finalSchedstat, err error) {
	tick := time.NewTicker(schedstatEvery)
	defer tick.Stop()
	last.estimate = true
	for {
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-tick.C:
			if s, err := rig.MainThread(child.ID().PID); err == nil {
				last.Schedstat = s
			}
		case <-child.Exited():
			s, err := rig.MainThread(child.ID().PID)
			if _, gone := child.Stat(); err == nil && !errors.Is(gone, proc.ErrGone) {
				last = finalSchedstat{Schedstat: s}
			}
			return last, nil
		}
	}
}
