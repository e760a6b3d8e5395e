package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

const (
	releaseKeys  = 2_000_000 // 1 GB
	releaseBytes = 256 << 20 // that the child alone holds when it is killed
	releaseRest  = 4 << 20   // as good as nothing
	releaseLimit = time.Minute
	settleFor    = time.Second // the kernel's counts may lag meanwhile
)

// kill is what came of one killed child.
type kill struct {
	round    int
	observer string
	busy     bool
	held     uint64        // bytes, by the child alone
	dead     time.Duration // since it was killed: a zombie
	back     time.Duration // since it was killed: the memory
	reading  bool          // its smaps were being read
}

// inSmaps is this exporter without a cgroup, and the child killed while it reads.
const inSmaps = oursShared + ", killed while it reads smaps"

// release measures how soon a killed child's memory is free again: whoever reads
// it holds it.
func release(ctx context.Context, b *bench) ([]*rig.Table, error) {
	kills, err := b.measureRelease(ctx)
	if len(kills) == 0 {
		return nil, err
	}
	return []*rig.Table{releaseTable(kills, b.rng)}, err
}

func (b *bench) measureRelease(ctx context.Context) (kills []kill, err error) {
	// A save that lasts until it is killed, and sleeps meanwhile.
	h, err := b.start(ctx, "release", true, "--rdb-key-save-delay", "1000")
	if err != nil {
		return nil, err
	}
	defer b.end(h)
	if _, err := b.fill(ctx, h, releaseKeys, latencyValue); err != nil {
		return nil, err
	}
	compared := []observer{{name: unobserved}, {name: inSmaps, start: ours(false, 0)}}
	if h.Group != nil {
		compared = append(compared, observer{name: oursAlone, alone: true, start: ours(true, 0)})
	}
	for round, turns := range schedule(compared, b.rounds, b.rng) {
		for i, o := range turns {
			first := (round+i)%2 == 0
			for _, busy := range []bool{first, !first} {
				k, err := b.releaseTurn(ctx, h, o, busy)
				if err != nil {
					return kills, fmt.Errorf("%s: %w", o.name, err)
				}
				k.round = round
				kills = append(kills, k)
				b.Say("round %d of %d: %s, %s: %d MB back after %s ms", round+1, b.rounds, o.name, machine(busy), k.held>>20, rig.Figure(ms(k.back)))
			}
		}
	}
	return kills, nil
}

func machine(busy bool) string {
	if busy {
		return "all CPUs busy"
	}
	return "idle"
}

// ballast is memory that the server gives back while the child lives: from then on this
// exporter trusts no counters, and reads smaps as often as it ever does.
const (
	ballast      = "ballast"
	ballastBytes = 64 << 20
)

func giveBack(ctx context.Context, h *host) error {
	if err := h.Client().Del(ctx, ballast).Err(); err != nil {
		return fmt.Errorf("DEL: %w", err)
	}
	if err := h.Client().Do(ctx, "MEMORY", "PURGE").Err(); err != nil {
		return fmt.Errorf("MEMORY PURGE: %w", err)
	}
	return nil
}

// releaseTurn lets a child gather memory, kills it and waits for the memory.
func (b *bench) releaseTurn(ctx context.Context, h *host, o observer, busy bool) (k kill, err error) {
	k = kill{observer: o.name, busy: busy}
	w, stop, err := b.observe(ctx, h, o)
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	m, err := b.openMemory(h)
	if err != nil {
		return k, err
	}
	defer m.close()
	if err := rig.Sleep(ctx, settleFor); err != nil {
		return k, err
	}
	if err := h.Client().Set(ctx, ballast, strings.Repeat("x", ballastBytes), 0).Err(); err != nil {
		return k, fmt.Errorf("SET: %w", err)
	}
	if err := m.setZero(); err != nil {
		return k, err
	}
	child, err := h.Save(ctx)
	if err != nil {
		return k, err
	}
	defer child.Close()
	defer func() {
		if !rig.Exited(child) {
			_ = syscall.Kill(child.ID().PID, syscall.SIGKILL)
		}
	}()
	if err := overwrite(ctx, h, m, releaseBytes); err != nil {
		return k, err
	}
	if err := giveBack(ctx, h); err != nil {
		return k, err
	}
	if busy {
		stop, err := rig.Spin(runtime.NumCPU())
		if err != nil {
			return k, err
		}
		defer stop()
	}
	if err := rig.Sleep(ctx, settleFor+rand.N(time.Second)); err != nil {
		return k, err
	}
	if k.held, err = m.held(); err != nil {
		return k, err
	}
	var stopwatch sync.WaitGroup
	var timed error
	onOwnThread(&stopwatch, func() {
		if p, ok := w.(*exporter); ok && !o.alone {
			k.reading = awaitBurst(ctx, p.PID())
		}
		timed = k.time(child, m)
	})
	stopwatch.Wait()
	return k, timed
}

// time kills the child and waits for its memory.
func (k *kill) time(child *proc.Process, m *memory) error {
	start := time.Now()
	if err := syscall.Kill(child.ID().PID, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill the child: %w", err)
	}
	for k.dead == 0 || k.back == 0 {
		stat, gone := child.Stat()
		if k.dead == 0 && (gone != nil || stat.Zombie()) {
			k.dead = time.Since(start)
		}
		held, err := m.held()
		if err != nil {
			return err
		}
		if k.back == 0 && held < releaseRest {
			k.back = time.Since(start)
		}
		if time.Since(start) > releaseLimit {
			return fmt.Errorf("%d MB are still held %s after the child was killed", held>>20, releaseLimit)
		}
		nap(time.Millisecond)
	}
	return nil
}

// overwrite writes random keys until the child alone holds so much.
func overwrite(ctx context.Context, h *host, m *memory, bytes uint64) error {
	p, err := openPipeline(h.Addr())
	if err != nil {
		return err
	}
	defer p.close()
	set := newSetCommand(latencyValue)
	var requests []byte
	for written := 0; ctx.Err() == nil; written += fillPipeline {
		if held, err := m.held(); err != nil || held >= bytes {
			return err
		}
		if written > 5*releaseKeys {
			return errors.New("everything was overwritten, and the child does not hold it")
		}
		requests = requests[:0]
		for range fillPipeline {
			requests = append(requests, set.next(rand.IntN(releaseKeys))...)
		}
		if err := p.do(requests, fillPipeline); err != nil {
			return err
		}
	}
	return ctx.Err()
}
