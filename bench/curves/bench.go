package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

// bench is what its parts have in common.
type bench struct {
	*rig.Progress
	out io.Writer

	parts []func(context.Context) error
	loads []workload
	busy  []int
	bytes int // of data in the server

	fs       proc.FS
	stats    *taskstats.Client
	dir      string
	exporter string // the program, in dir
}

// newBench takes lists of parts, loads and numbers of busy processes.
func newBench(parts, loads, busy string) (b *bench, err error) {
	b = &bench{Progress: rig.NewProgress(os.Stderr), out: os.Stdout}
	known := map[string]func(context.Context) error{"accuracy": b.accuracy, "forks": b.forks, "estimate": b.estimate}
	for name := range strings.SplitSeq(parts, ",") {
		part := known[name]
		if part == nil {
			return nil, fmt.Errorf("no part %q", name)
		}
		b.parts = append(b.parts, part)
	}
	for text := range strings.SplitSeq(busy, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%q is no number of processes", text)
		}
		b.busy = append(b.busy, n)
	}
	b.loads, err = choose(loads)
	return b, err
}

// run runs the parts.
func (b *bench) run(ctx context.Context) (err error) {
	if b.fs, err = proc.NewFS("/proc"); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "benchcurves-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.exporter = filepath.Join(b.dir, "redis_fork_exporter")
	if err := rig.Build(ctx, b.exporter); err != nil {
		return err
	}
	restore, err := rig.Set(ctx, rig.DelayAccounting, "1") // before any server starts
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, restore()) }()
	if b.stats, err = taskstats.New(); err != nil {
		return err
	}
	defer b.stats.Close()
	for _, part := range b.parts {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}
