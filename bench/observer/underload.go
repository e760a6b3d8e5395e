package main

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

const (
	leadIn  = time.Second // of load, before anything is measured
	leadOut = 200 * time.Millisecond
)

// underLoad calls during while an observer observes a server that is under load.
// What it left behind before has time to end first. The client that is returned
// has been stopped.
func (b *bench) underLoad(ctx context.Context, h *host, o observer, l load, during func(watching) error) (c *client, err error) {
	quiet := time.After(b.quiet)
	w, stop, err := b.observe(ctx, h, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	h.forget()
	runtime.GC()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-quiet:
	}
	// A collection would wait for the client's threads, and they for it.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	if c, err = startClient(h.Addr(), l); err != nil {
		return nil, err
	}
	err = rig.Sleep(ctx, leadIn)
	if err == nil {
		err = during(w)
	}
	if err == nil {
		err = rig.Sleep(ctx, leadOut)
	}
	return c, errors.Join(err, c.stop())
}

// observe starts an observer, which finds the server alone in its memory cgroup
// or not alone, as it wants it.
func (b *bench) observe(ctx context.Context, h *host, o observer) (w watching, stop func() error, err error) {
	leave := func() {}
	if h.Group != nil && !o.alone {
		l, err := h.Group.Lodge()
		if err != nil {
			return nil, nil, err
		}
		leave = l.Stop
	}
	w, err = o.begin(ctx, b, h.Server)
	if err != nil {
		leave()
		return nil, nil, err
	}
	return w, func() error { defer leave(); return w.stop() }, nil
}
