package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == calibrateCommand {
		os.Exit(tell(calibrate(os.Stdin, os.Stdout)))
	}
	os.Exit(run())
}

// tell returns the exit status that goes with an error.
func tell(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchcurves:", err)
		return 1
	}
	return 0
}

func run() int {
	only := flag.String("only", "accuracy,forks", "parts to run, separated by commas: accuracy, forks, estimate")
	names := flag.String("loads", "", "loads to put on the server, separated by semicolons; none: all")
	megabytes := flag.Int("data", 1024, "MiB of data in the server")
	busy := flag.String("busy", "0,1,2", "numbers of busy processes beside, for estimate")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	loads, err := choose(*names)
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchcurves:", err)
		return 2
	}
	b := &bench{out: os.Stdout, log: os.Stderr, loads: loads, data: *megabytes << 20}
	for n := range strings.SplitSeq(*busy, ",") {
		var i int
		fmt.Sscan(n, &i)
		b.busy = append(b.busy, i)
	}
	return tell(b.run(ctx, *only))
}

type bench struct {
	out      io.Writer
	log      io.Writer
	fs       proc.FS
	stats    *taskstats.Client
	exporter string // program
	loads    []workload
	data     int
	busy     []int
	start    time.Time
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.log, "%5.0f s  %s\n", time.Since(b.start).Seconds(), fmt.Sprintf(format, args...))
}

func (b *bench) run(ctx context.Context, only string) (err error) {
	b.start = time.Now()
	redis.SetLogger(quiet{})
	if b.fs, err = proc.NewFS("/proc", "/sys"); err != nil {
		return err
	}
	restore, err := setKernel(accountingFile, "1")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, restore()) }()
	if b.stats, err = taskstats.New(); err != nil {
		return err
	}
	defer b.stats.Close()
	dir, err := os.MkdirTemp("", "benchcurves-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if b.exporter, err = buildExporter(ctx, dir); err != nil {
		return err
	}
	parts := map[string]func(context.Context) error{"accuracy": b.accuracy, "estimate": b.estimate, "forks": b.forks}
	for name := range strings.SplitSeq(only, ",") {
		if err := parts[name](ctx); err != nil {
			return err
		}
	}
	return nil
}

// quiet drops what go-redis would print.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}
