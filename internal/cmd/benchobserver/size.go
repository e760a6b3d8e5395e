package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	gb = 1_000_000_000
	// Large values fill a server sooner. They end up in jemalloc's class of 2 KB:
	// a child gives back the pages of larger ones, which is another matter (-value).
	sizeValue = 2000
)

// sampled is what watching one save cost.
type sampled struct {
	observer  string
	resident  uint64
	save      save
	sampling  time.Duration // CPU time of readings, by the exporter's own account
	smapsRead float64       // reads of the child's smaps
	pagesRead float64       // and of a sample of its pages
}

// size measures what sampling costs when there is more memory.
func size(ctx context.Context, b *bench) ([]*table, error) {
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
	return []*table{sizeTable(all, b.rate, b.valueOr(sizeValue))}, err
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
	if h.group != nil {
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
			b.say("%d GB, round %d of %d: %s: %s ms of CPU in %.1f s", n, round+1, rounds, o.name, figure(ms(s.sampling)), s.save.seconds())
		}
	}
	return all, nil
}

// sizeTurn lets this exporter watch one save under load.
func (b *bench) sizeTurn(ctx context.Context, h *host, o observer, l load) (sampled, error) {
	s := sampled{observer: o.name}
	_, err := b.underLoad(ctx, h, o, l, func(w watching) error {
		p := w.(exporter).program
		before, err := get(ctx, p.url+"/metrics")
		if err != nil {
			return err
		}
		if s.save, err = b.watchSave(ctx, h, w); err != nil {
			return err
		}
		after, err := get(ctx, p.url+"/metrics")
		if err != nil {
			return err
		}
		const cpu, reads = "redis_fork_exporter_sampler_cpu_seconds_total", "redis_fork_exporter_sampler_reads_total"
		s.sampling = time.Duration(risen(before, after, cpu, "") * float64(time.Second))
		s.smapsRead = risen(before, after, reads, `source="child_smaps"`)
		s.pagesRead = risen(before, after, reads, `source="pagemap"`)
		return nil
	})
	return s, err
}

// risen is by how much a counter has risen between two scrapes; a series that was
// not there before has risen from 0.
func risen(before, after, metric, with string) float64 {
	now, _ := sum(after, metric, with)
	then, _ := sum(before, metric, with)
	return now - then
}
