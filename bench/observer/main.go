package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

// measurements are what can be asked for, in the order in which they run.
var measurements = []struct {
	name string
	run  func(context.Context, *bench) ([]*rig.Table, error)
}{
	{"latency", latency},
	{"release", release},
	{"size", size},
	{"accounting", accounting},
	{"against", against},
}

func main() {
	// A stopwatch's system calls keep a P each.
	runtime.GOMAXPROCS(runtime.NumCPU() + 4)
	rig.Main("observer", func(ctx context.Context, args []string) error {
		s, err := parse(args)
		if err != nil {
			return rig.Usage(err)
		}
		return measure(ctx, s)
	})
}

// parse turns arguments into settings.
func parse(args []string) (settings, error) {
	s := settings{only: map[string]bool{}}
	var names []string
	for _, m := range measurements {
		names = append(names, m.name)
	}
	usual := strings.Join(names[:len(names)-1], ",")
	flags := flag.NewFlagSet("observer", flag.ContinueOnError)
	only := flags.String("only", "", "what to measure: some of "+strings.Join(names, ",")+" (by default against with -against, else all but that)")
	flags.StringVar(&s.against, "against", "", "commit to compare this tree's exporter with: CPU while nothing forks and while a child lives, and scrapes")
	flags.IntVar(&s.pairs, "pairs", 12, "pairs of turns of against")
	flags.DurationVar(&s.slot, "slot", time.Minute, "how long a turn of against measures")
	flags.IntVar(&s.scrapes, "scrapes", 1000, "least number of scrapes in a turn of against")
	flags.IntVar(&s.rounds, "rounds", 6, "rounds of each measurement")
	flags.IntVar(&s.foreignEvery, "foreign-every", 3, "observers other than this exporter have a turn in every so many rounds of latency")
	flags.IntVar(&s.keys, "keys", 3_000_000, "keys of the server whose latency is measured")
	flags.IntVar(&s.rate, "rate", 4000, "requests a second while it is, and writes a second for size")
	flags.IntVar(&s.value, "value", 0, fmt.Sprintf("bytes of a value, for latency (0: %d) and size (0: %d); from 16384 on children give memory back, and a curve in a shared cgroup needs the sample of pages", latencyValue, sizeValue))
	flags.IntVar(&s.keyDelay, "key-delay", 0, "µs that a child waits at each key, so that a save of few large values lasts (rdb-key-save-delay)")
	flags.DurationVar(&s.quiet, "quiet", 5*time.Second, "time between two saves, and before a turn of against")
	flags.IntVar(&s.sizeGB, "size-gb", 8, "size of the larger server of size, in GB")
	flags.StringVar(&s.under, "dir", os.TempDir(), "where to put servers and their dumps")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *only == "" {
		*only = usual
		if s.against != "" {
			*only = "against"
		}
	}
	for name := range strings.SplitSeq(*only, ",") {
		if !slices.Contains(names, name) {
			return s, fmt.Errorf("-only=%s: there is no measurement %q, only %s", *only, name, strings.Join(names, ", "))
		}
		s.only[name] = true
	}
	if s.only["against"] != (s.against != "") {
		return s, errors.New("the measurement against needs -against=COMMIT, and is what that is for")
	}
	if s.pairs < 1 || s.scrapes < 1 || s.slot < time.Second || s.slot > longestSave-time.Minute {
		return s, fmt.Errorf("-pairs and -scrapes have to be above 0, and -slot between 1s and %s", longestSave-time.Minute)
	}
	if s.rounds < 1 || s.foreignEvery < 1 || s.keys < 1 || s.rate < 1 || s.value < 0 || s.keyDelay < 0 || s.quiet < 0 || s.sizeGB < 2 {
		return s, errors.New("numbers have to be above 0, and -size-gb above 1")
	}
	return s, nil
}

// measure runs what was asked for. One measurement that fails does not keep the
// others from running; what each brought is printed.
func measure(ctx context.Context, s settings) error {
	b, err := newBench(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	b.warnIfBusy()
	var errs []error
	for _, m := range measurements {
		if !s.only[m.name] || ctx.Err() != nil {
			continue
		}
		b.Say("%s", m.name)
		tables, err := m.run(ctx, b)
		for _, t := range tables {
			errs = append(errs, t.Print(os.Stdout))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
			b.Say("%s ended early: %v", m.name, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return ctx.Err()
}
