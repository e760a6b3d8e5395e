package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

const (
	gb = 1_000_000_000
	// Large values fill a server sooner. They end up in jemalloc's class of 2 KB:
	// a child gives back the pages of larger ones, which is another matter (-value).
	sizeValue = 2000
)

// sampled is what watching one save cost.
type sampled struct {
	observer string
	resident uint64
	save     save
	readings
}

// size measures what sampling costs when there is more memory.
func size(ctx context.Context, b *bench) ([]*rig.Table, error) {
	var all []sampled
	var errs []error
	for _, n := range []int{1, b.sizeGB} {
		if ctx.Err() != nil {
			break
		}
		if err := b.room(uint64(n) * gb); err != nil {
			errs = append(errs, fmt.Errorf("%d GB are left out: %w", n, err))
			continue
		}
		got, err := b.measureSize(ctx, n, b.rounds)
		all = append(all, got...)
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	if len(all) == 0 {
		return nil, err
	}
	return []*rig.Table{sizeTable(all, b.rate, b.valueOr(sizeValue))}, err
}

// room tells if memory or disk do not suffice for a server of this size.
func (b *bench) room(bytes uint64) error {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return err
	}
	free, err := meminfo(string(text), "MemAvailable")
	if err != nil {
		return err
	}
	// What is copied meanwhile, page tables, and something for everybody else.
	if need := bytes + bytes/4 + gb/2; free < need {
		return fmt.Errorf("it needs %d MB of memory, %d MB are available", need/1e6, free/1e6)
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(b.dir, &disk); err != nil {
		return fmt.Errorf("free space in %s: %w", b.dir, err)
	}
	if free, need := disk.Bavail*uint64(disk.Bsize), bytes/4; free < need {
		return fmt.Errorf("a dump needs up to %d MB in %s, %d MB are free (choose another with -dir)", need/1e6, b.dir, free/1e6)
	}
	return nil
}

func (b *bench) measureSize(ctx context.Context, n, rounds int) (all []sampled, err error) {
	h, err := b.start(ctx, "size", true)
	if err != nil {
		return nil, err
	}
	defer b.end(h)
	value := b.valueOr(sizeValue)
	keys := n * gb / (value + value/16) // about: an allocator rounds up
	resident, err := b.fill(ctx, h, keys, value)
	if err != nil {
		return nil, err
	}
	compared := []observer{{name: oursShared, start: ours(false, scrapeOurs)}}
	if h.Group != nil {
		compared = append(compared, observer{name: oursAlone, alone: true, start: ours(true, scrapeOurs)})
	}
	for round, turns := range schedule(compared, rounds, b.rng) {
		for _, o := range turns {
			s, err := b.sizeTurn(ctx, h, o, load{b.rate, keys, value})
			if err != nil {
				return all, fmt.Errorf("%d GB, %s: %w", n, o.name, err)
			}
			s.resident = resident
			all = append(all, s)
			b.Say("%d GB, round %d of %d: %s: %s ms of CPU in %.1f s", n, round+1, rounds, o.name, rig.Figure(1000*s.cpu), s.save.seconds())
		}
	}
	return all, nil
}

// sizeTurn lets this exporter watch one save under load.
func (b *bench) sizeTurn(ctx context.Context, h *host, o observer, l load) (sampled, error) {
	s := sampled{observer: o.name}
	_, err := b.underLoad(ctx, h, o, l, func(w watching) error {
		before, err := accountOf(ctx, w)
		if err != nil {
			return err
		}
		if s.save, err = b.watchSave(ctx, h, w); err != nil {
			return err
		}
		after, err := accountOf(ctx, w)
		s.readings = after.since(before)
		return err
	})
	return s, err
}
