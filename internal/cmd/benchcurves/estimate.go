package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

// Estimates of the time that copies take, for where the kernel does not account
// it: how far are they from what it does account? The exporter's own, and others.

const (
	estimateSave   = 5 * time.Second
	settle         = time.Second     // from the load's start
	baseTime       = 4 * time.Second // before a fork: what the server needs without copies
	stepTime       = 500 * time.Millisecond
	calibratePages = 2000
	portionPages   = 128
	portionEvery   = time.Second
)

// copyTime is one fork's time in copies, as accounted and as estimated.
type copyTime struct {
	load       string
	rate, busy int

	accounted time.Duration
	copies    uint64  // as accounted
	pages     uint64  // faults beyond growth: the copies, where nothing is accounted
	idle      float64 // share of the processors' time
	gaveBack  bool    // server or child gave memory back: pages mean little

	start, during, inside time.Duration // pages, at what a page cost this program at its start, or in the same second
	beyond                time.Duration // system time of the main thread beyond its rate before

	exporter opt.Val[float64] // seconds, as an exporter without the right to ask for delay accounting says
}

// estimate measures forks under the chosen loads.
func (b *bench) estimate(ctx context.Context) (err error) {
	c, err := newCalibrator()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if _, err = c.measure(calibratePages); err != nil { // the first time everything is slower
		return err
	}
	idle, err := c.measure(calibratePages)
	if err != nil {
		return err
	}
	b.say("a page of this program's own: %v, %v of it inside the copy", idle.Fault, idle.Inside)
	var rows []copyTime
	defer func() { err = errors.Join(err, printEstimates(b.out, rows)) }()
	for _, w := range b.loads {
		for _, rate := range []int{w.slow, w.fast} {
			for _, busy := range b.busy {
				r := copyTime{load: w.name, rate: rate, busy: busy}
				if err := b.estimateOne(ctx, c, w, &r); err != nil {
					return fmt.Errorf("%s, %d/s, %d busy: %w", w.name, rate, busy, err)
				}
				r.start = time.Duration(r.pages) * idle.Fault
				b.say("%+v", r)
				rows = append(rows, r)
			}
		}
	}
	return nil
}

func (b *bench) estimateOne(ctx context.Context, c *calibrator, w workload, r *copyTime) (err error) {
	s, err := setScene(ctx, b.fs, sceneOptions{workload: w, bytes: b.bytes, save: estimateSave})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	e, err := b.startExporter(ctx, s.Server, withoutAccounting())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.stop()) }()
	stopSpinning, err := spin(r.busy)
	if err != nil {
		return err
	}
	defer stopSpinning()
	load := s.startLoad(ctx, w, r.rate)
	defer load.Stop()
	if err := sleep(ctx, settle); err != nil {
		return err
	}
	steps := []counters{}
	for range int(baseTime/stepTime) + 1 {
		now, err := readCounters(s.PID(), b.stats)
		if err := errors.Join(err, sleep(ctx, stepTime)); err != nil {
			return err
		}
		steps = append(steps, now)
	}
	last := len(steps) - 1
	child, err := s.fork(ctx)
	if err != nil {
		return err
	}
	defer child.Close()
	stall, err := s.lastFork(ctx)
	if err != nil {
		return err
	}
	idle, err := watchIdle()
	if err != nil {
		return err
	}
	more, err := b.followCopies(ctx, c, s, child, steps[last], r)
	if err != nil {
		return err
	}
	if r.idle, err = idle(); err != nil {
		return err
	}
	r.compare(append(steps, more...), last, stall)
	f, err := e.record(ctx, child.ID().PID)
	r.exporter = f.EstimatedCopyStallSeconds
	return errors.Join(err, load.Stop())
}

// followCopies watches a child until it dies, and returns a reading of each step.
func (b *bench) followCopies(ctx context.Context, c *calibrator, s *scene, child *proc.Process, before counters, r *copyTime) ([]counters, error) {
	const every = 100 * time.Millisecond
	var steps []counters
	portions := portions{due: time.Now()}
	server, own := high{before.resident}, high{}
	for {
		now, err := readCounters(s.PID(), b.stats)
		if err != nil {
			return nil, err
		}
		stat, err := child.Stat()
		if err != nil || stat.VirtualBytes == 0 {
			break // it is ending
		}
		r.gaveBack = server.fell(now.resident) || own.fell(stat.ResidentPages*uint64(os.Getpagesize())) || r.gaveBack
		if len(steps) == 0 || now.at.Sub(steps[len(steps)-1].at) >= stepTime {
			steps = append(steps, now)
		}
		if err := portions.measure(c, now.at, copiedPages(before, now)); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-child.Exited():
		case <-time.After(every):
		}
	}
	r.during, r.inside = portions.fault, portions.inside
	return steps, nil
}

// portions prices the copies of each second at what a page costs this program then.
type portions struct {
	due           time.Time
	pages         uint64
	fault, inside time.Duration // so far
}

func (p *portions) measure(c *calibrator, now time.Time, pages uint64) error {
	if now.Before(p.due) {
		return nil
	}
	p.due = now.Add(portionEvery)
	k, err := c.measure(portionPages)
	if err != nil {
		return err
	}
	news := time.Duration(max(pages, p.pages) - p.pages)
	p.pages = max(pages, p.pages)
	p.fault += news * k.Fault
	p.inside += news * k.Inside
	return nil
}

// high is the largest resident size seen.
type high struct{ bytes uint64 }

// fell tells whether a size has fallen by more than what means nothing.
func (h *high) fell(resident uint64) bool {
	slack := max(2<<20, h.bytes/200)
	h.bytes = max(h.bytes, resident)
	return resident+slack < h.bytes
}

// copiedPages are the faults beyond growth.
func copiedPages(before, now counters) uint64 {
	faults := now.faults - before.faults
	grown := (max(now.resident, before.resident) - before.resident) / uint64(os.Getpagesize())
	return faults - min(grown, faults)
}

// compare fills in the estimates from the steps, of which the one at last is the
// last before the fork, which took so long.
func (r *copyTime) compare(steps []counters, last int, stall time.Duration) {
	first, before, after := steps[0], steps[last], steps[len(steps)-1]
	r.copies = taskstats.CountDelta(before.copies.CopyCount, after.copies.CopyCount)
	r.accounted = after.copies.CopyDelay - before.copies.CopyDelay
	r.pages = copiedPages(before, after)
	usual := float64(before.system-first.system) / float64(before.at.Sub(first.at))
	r.beyond = after.system - before.system - stall - time.Duration(usual*float64(after.at.Sub(before.at)))
}
