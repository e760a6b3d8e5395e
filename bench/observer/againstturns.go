package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

// What is compared of two exporters.
const (
	idleCPU      = "nothing forks: CPU, % of a core"
	childCPU     = "a child lives: CPU, % of a core"
	readingsCPU  = "a child lives: CPU of readings by its own account, % of a core"
	readingsDone = "a child lives: readings a second"
	scrapeTime   = "a scrape: time, ms"
	scrapeCPU    = "a scrape: CPU, ms"
)

// figures returns what is compared, in the table's order.
func figures() []string {
	return []string{idleCPU, childCPU, readingsCPU, readingsDone, scrapeTime, scrapeCPU}
}

// idleTurn measures the exporter x while nothing forks.
func (b *bench) idleTurn(ctx context.Context, h *host, x build) (brought map[string]float64, err error) {
	w, stop, err := b.observe(ctx, h, observer{start: exporterOf(x, false, scrapeOurs)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := rig.Sleep(ctx, b.quiet); err != nil {
		return nil, err
	}
	watch, err := rig.StartStopwatch(w.(*exporter).PID())
	if err != nil {
		return nil, err
	}
	if err := rig.Sleep(ctx, b.slot); err != nil {
		return nil, err
	}
	ran, took, err := watch.Read()
	return map[string]float64{idleCPU: percentOf(ran.Seconds(), took)}, err
}

// percentOf returns seconds as a percentage of the time that it took.
func percentOf(seconds float64, took time.Duration) float64 { return 100 * seconds / took.Seconds() }

// childTurn measures the exporter x from the birth of a child on, under load.
func (b *bench) childTurn(ctx context.Context, h *host, x build) (brought map[string]float64, err error) {
	l := load{b.rate, b.againstKeys(), b.valueOr(sizeValue)}
	_, err = b.underLoad(ctx, h, observer{start: met(exporterOf(x, false, scrapeOurs), firstSave)}, l, func(w watching) error {
		before, err := accountOf(ctx, w)
		if err != nil {
			return err
		}
		watch, err := rig.StartStopwatch(w.(*exporter).PID())
		if err != nil {
			return err
		}
		err = briefSave(ctx, h.Server, b.slot)
		ran, took, failed := watch.Read()
		after, unknown := accountOf(ctx, w)
		if err := errors.Join(err, failed, unknown); err != nil {
			return err
		}
		r := after.since(before)
		if r.done == 0 {
			return fmt.Errorf("%s has read nothing of the child", x.name)
		}
		brought = map[string]float64{
			childCPU: percentOf(ran.Seconds(), took), readingsCPU: percentOf(r.cpu, took), readingsDone: r.done / took.Seconds(),
		}
		return nil
	})
	return brought, err
}

// scrapeTurn measures scrapes of the exporter x, which has seen a fork.
func (b *bench) scrapeTurn(ctx context.Context, h *host, x build) (brought map[string]float64, err error) {
	w, stop, err := b.observe(ctx, h, observer{start: met(exporterOf(x, false, 0), firstSave)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := rig.Sleep(ctx, b.quiet); err != nil {
		return nil, err
	}
	e := w.(*exporter)
	watch, err := rig.StartStopwatch(e.PID())
	if err != nil {
		return nil, err
	}
	var times []time.Duration
	for begin := time.Now(); time.Since(begin) < b.slot || len(times) < b.scrapes; {
		start := time.Now()
		if _, err := e.Get(ctx, "/metrics"); err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
	}
	ran, _, err := watch.Read()
	return map[string]float64{scrapeTime: medianOf(times), scrapeCPU: ms(ran) / float64(len(times))}, err
}

// firstLife is how long the child lives with which an exporter meets the server.
const firstLife = 2 * time.Second

func firstSave(ctx context.Context, server *rig.Server) error {
	return briefSave(ctx, server, firstLife)
}

// briefSave starts a save whose child is killed after life, and returns when it is
// dead.
func briefSave(ctx context.Context, server *rig.Server, life time.Duration) error {
	child, err := server.Save(ctx)
	if err != nil {
		return err
	}
	defer child.Close()
	err = rig.Sleep(ctx, life)
	if rig.Exited(child) {
		return errors.Join(err, errors.New("the child ended while it should have been there"))
	}
	_ = syscall.Kill(child.ID().PID, syscall.SIGKILL)
	<-child.Exited()
	return err
}
