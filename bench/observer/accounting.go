package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

const (
	accountingKeys  = 200_000
	accountingQuiet = 4 * time.Second
	accountingChild = 50_000 // commands while a child lives, as copies get fewer with each
	accountingPipe  = 50     // requests that are sent at once, half of them SETs
)

// accounted is what one server did with delay accounting on or off.
type accounted struct {
	round        int
	on           bool
	quiet, child work // while nothing forks, while a child lives
}

// work is what a server did and what it took.
type work struct {
	commands float64
	seconds  float64
	cpu      time.Duration // of the server's process
}

func (w work) perSecond() float64 { return w.commands / w.seconds }

// perMillion is the CPU time of a million commands, in seconds.
func (w work) perMillion() float64 { return w.cpu.Seconds() / w.commands * 1e6 }

// accounting measures what the kernel's delay accounting costs a server that
// nobody observes.
func accounting(ctx context.Context, b *bench) ([]*rig.Table, error) {
	restore, err := b.account(ctx, "1")
	restore()
	if err != nil {
		b.Say("left out, the switch can't be set here: %v", err)
		return nil, nil
	}
	all, err := b.measureAccounting(ctx)
	if len(all) == 0 {
		return nil, err
	}
	return []*rig.Table{accountingTable(all, b.rng)}, err
}

func (b *bench) measureAccounting(ctx context.Context) (all []accounted, err error) {
	for round := range b.rounds {
		first := b.rng.IntN(2) == 0
		for _, on := range []bool{first, !first} {
			a, err := b.accountingTurn(ctx, on)
			if err != nil {
				return all, err
			}
			a.round = round
			all = append(all, a)
			b.Say("round %d of %d: accounting %s: %s commands a second, %s with a child", round+1, b.rounds, onOff(on),
				rig.Figure(a.quiet.perSecond()), rig.Figure(a.child.perSecond()))
		}
	}
	return all, nil
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// accountingTurn starts a server, which has to happen after the switch, and lets
// it work as fast as it can.
func (b *bench) accountingTurn(ctx context.Context, on bool) (a accounted, err error) {
	value := "0"
	if on {
		value = "1"
	}
	restore, err := b.account(ctx, value)
	if err != nil {
		return a, err
	}
	defer restore()
	// The child sleeps, and lives until the server is stopped.
	h, err := b.start(ctx, "accounting", false, "--rdb-key-save-delay", "1000")
	if err != nil {
		return a, err
	}
	defer b.end(h)
	if err := fill(ctx, h.Addr(), accountingKeys, latencyValue); err != nil {
		return a, err
	}
	p, err := openPipeline(h.Addr())
	if err != nil {
		return a, err
	}
	defer p.close()
	a.on = on
	begin := time.Now().Add(leadIn)
	if _, err := b.work(ctx, h, p, func(work) bool { return time.Now().After(begin) }); err != nil {
		return a, err
	}
	end := time.Now().Add(accountingQuiet)
	if a.quiet, err = b.work(ctx, h, p, func(work) bool { return time.Now().After(end) }); err != nil {
		return a, err
	}
	child, err := h.Save(ctx)
	if err != nil {
		return a, err
	}
	defer child.Close()
	if a.child, err = b.work(ctx, h, p, func(w work) bool { return w.commands >= accountingChild }); err != nil {
		return a, err
	}
	if rig.Exited(child) {
		return a, errors.New("the child ended while it should have been there")
	}
	return a, nil
}

// work sends requests in a closed loop until it is over.
func (b *bench) work(ctx context.Context, h *host, p *pipeline, over func(work) bool) (w work, err error) {
	set := newSetCommand(latencyValue)
	before, err := rig.CPUTime(h.PID())
	if err != nil {
		return w, err
	}
	start := time.Now()
	var requests []byte
	for !over(w) {
		if ctx.Err() != nil {
			return w, ctx.Err()
		}
		requests = requests[:0]
		for range accountingPipe / 2 {
			requests = append(requests, set.next(rand.IntN(accountingKeys))...)
			requests = appendGet(requests, rand.IntN(accountingKeys))
		}
		// The reply to a GET has two lines.
		if err := p.do(requests, accountingPipe/2*3); err != nil {
			return w, err
		}
		w.commands += accountingPipe
	}
	w.seconds = time.Since(start).Seconds()
	after, err := rig.CPUTime(h.PID())
	w.cpu = after - before
	return w, err
}
