package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

const (
	latencyValue = 400 // bytes
	// A server that answers so late, when the stall is long over, can't keep up;
	// latencies then say how long the save took, not what it did.
	farBehind = time.Second
)

// turn is what one observer's turn in one round brought.
type turn struct {
	save
	round    int
	observer string
	serving  []time.Duration // ascending: of requests due between BGSAVE's answer and the child's death
	stalled  []time.Duration // and from when BGSAVE was sent: with the fork itself
	behind   bool            // the server had not caught up when the child died
}

// latencyRun is what came out.
type latencyRun struct {
	turns    []turn
	resident uint64
	missing  []string
	first    bool // the client's threads go first
	accounts bool
}

// latency measures what observers do to requests during BGSAVE.
func latency(ctx context.Context, b *bench) ([]*rig.Table, error) {
	run := latencyRun{first: mayGoFirst()}
	err := b.measureLatency(ctx, &run)
	if len(run.turns) == 0 {
		return nil, err
	}
	return run.tables(b), err
}

func (b *bench) measureLatency(ctx context.Context, run *latencyRun) error {
	// With all that the exporter can read, so that it has the most to do.
	restore, err := b.account(ctx, "1")
	if err != nil {
		b.Say("delay accounting stays as it is: %v", err)
	}
	defer restore()
	run.accounts = err == nil
	h, err := b.start(ctx, "latency", true)
	if err != nil {
		return err
	}
	defer b.end(h)
	if run.resident, err = b.fill(ctx, h, b.keys, b.valueOr(latencyValue)); err != nil {
		return err
	}
	compared, missing := observers(b.foreignEvery, h.Group != nil)
	run.missing = missing
	for _, m := range missing {
		b.Say("left out: %s", m)
	}
	b.Say("one save that is not counted: the first is unlike all others")
	if _, err := b.latencyTurn(ctx, h, observer{name: unobserved}); err != nil {
		return err
	}
	for round, turns := range schedule(compared, b.rounds, b.rng) {
		for _, o := range turns {
			t, err := b.latencyTurn(ctx, h, o)
			if err != nil {
				return fmt.Errorf("%s: %w", o.name, err)
			}
			t.round = round
			run.turns = append(run.turns, t)
			b.Say("round %d of %d: %s: %.1f s, p99 %s ms, p99.9 %s ms", round+1, b.rounds, o.name,
				t.seconds(), rig.Figure(ms(rig.Quantile(t.serving, 0.99))), rig.Figure(ms(rig.Quantile(t.serving, 0.999))))
		}
	}
	return nil
}

// met returns what starts an observer as begin does, and lets it see the server fork
// once by save: this exporter reads a server's first child more often than all later ones.
func met(begin observerFunc, save func(context.Context, *rig.Server) error) observerFunc {
	return func(ctx context.Context, b *bench, server *rig.Server) (watching, error) {
		w, err := begin(ctx, b, server)
		if err != nil {
			return nil, err
		}
		if err := save(ctx, server); err != nil {
			return nil, errors.Join(err, w.stop())
		}
		return w, nil
	}
}

// idleSave waits for a save while nobody else does anything.
func idleSave(ctx context.Context, server *rig.Server) error {
	child, err := server.Save(ctx)
	if err != nil {
		return err
	}
	defer child.Close()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-child.Exited():
		return nil
	}
}

// latencyTurn lets one observer watch one save under load.
func (b *bench) latencyTurn(ctx context.Context, h *host, o observer) (turn, error) {
	t := turn{observer: o.name}
	o.start = met(o.begin, idleSave)
	c, err := b.underLoad(ctx, h, o, load{b.rate, b.keys, b.valueOr(latencyValue)}, func(w watching) (err error) {
		t.save, err = b.watchSave(ctx, h, w)
		return err
	})
	if err != nil {
		return t, err
	}
	t.serving = c.latencies(t.answered, t.died)
	t.stalled = c.latencies(t.sent, t.died)
	if len(t.serving) == 0 {
		return t, errors.New("no request was due during the save")
	}
	t.behind = t.serving[len(t.serving)-1] > farBehind
	slices.Sort(t.serving)
	slices.Sort(t.stalled)
	return t, nil
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
