// Command series records series of real forks, for the tests of the forecast:
// private servers whose data grow, under a load that changes from one fork to the
// next. It follows them as the exporter does, and writes each fork's record
// together with what was known before, to stdout. `make bench-series` runs it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast/recorded"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// patience is how long a fork may take from the command to its closed record.
const patience = 2 * time.Minute

type settings struct {
	forks   int
	settle  time.Duration
	cgroup  string
	only    string
	wrapper string
	seed    uint64
}

func main() { rig.Main("series", run) }

func run(ctx context.Context, args []string) error {
	var s settings
	flags := flag.NewFlagSet("series", flag.ContinueOnError)
	flags.IntVar(&s.forks, "forks", 24, "forks of each series")
	flags.DurationVar(&s.settle, "settle", 35*time.Second, "how long a new write rate goes on before the fork")
	flags.StringVar(&s.cgroup, "cgroup", "", "empty memory cgroup, as a directory, for the servers of series that have their own")
	flags.StringVar(&s.wrapper, "wrapper", "", "command that runs the servers, such as \"chrt -f 1\": what else runs on the machine changes how long a child lives")
	flags.StringVar(&s.only, "series", "", "record this series only")
	flags.Uint64Var(&s.seed, "seed", 1, "of the changes of load")
	if err := flags.Parse(args); err != nil {
		return rig.Usage(err)
	}
	for _, series := range all {
		if s.only != "" && s.only != series.name {
			continue
		}
		if err := record(ctx, s, series, os.Stdout); err != nil {
			return fmt.Errorf("%s: %w", series.name, err)
		}
	}
	return nil
}

// record makes one series.
func record(ctx context.Context, set settings, s series, out io.Writer) error {
	server, err := redisrun.Start(ctx, redisrun.Options{Unix: true, Args: []string{"--rdbcompression", "no"}, Wrapper: strings.Fields(set.wrapper)})
	if err != nil {
		return err
	}
	defer server.Stop()
	if s.ownCgroup && set.cgroup != "" {
		if err := os.WriteFile(filepath.Join(set.cgroup, "cgroup.procs"), []byte(strconv.Itoa(server.PID())), 0); err != nil {
			return err
		}
	}
	watched, err := follow(s.name, server)
	if err != nil {
		return err
	}
	defer watched.Close()
	group, watching := errgroup.WithContext(ctx)
	watching, stop := context.WithCancel(watching)
	group.Go(func() error { return watched.Run(watching) })
	group.Go(func() error {
		defer stop()
		return forks(watching, set, s, server, watched, out)
	})
	return group.Wait()
}

// follow returns a fleet of one server that is watched as the exporter does with its
// defaults. The caller has to close it.
func follow(name string, server *redisrun.Server) (*fleet.Fleet, error) {
	c := fleet.DefaultConfig()
	c.Targets = []fleet.Target{{Name: name, Network: server.Network(), Addr: server.Addr()}}
	c.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	return fleet.New(c)
}

func forks(ctx context.Context, set settings, s series, server *redisrun.Server, watched *fleet.Fleet, out io.Writer) error {
	random := rand.New(rand.NewPCG(set.seed, 7))
	w := newWriter(s, server.Client())
	rate := (s.rates[0] + s.rates[1]) / 4
	for n := range set.forks {
		keys := s.keysAt(n, set.forks)
		if err := w.fill(ctx, keys); err != nil {
			return err
		}
		if err := server.Client().ConfigSet(ctx, "rdb-key-save-delay", strconv.Itoa(s.delay(keys))).Err(); err != nil {
			return err
		}
		rate = s.nextRate(random, rate)
		c, err := one(ctx, set, w, rate, s.kinds[random.IntN(len(s.kinds))], server, watched)
		if err != nil {
			return err
		}
		if err := write(out, c); err != nil {
			return err
		}
	}
	return nil
}

// one makes one fork under a load.
func one(ctx context.Context, set settings, w *writer, rate float64, kind fork.Kind, server *redisrun.Server, watched *fleet.Fleet) (recorded.Case, error) {
	loading, stopLoad := context.WithCancel(ctx)
	loaded := make(chan error, 1)
	go func() { loaded <- w.run(loading, rate, w.lastKeys) }()
	defer stopLoad()
	c, err := saved(ctx, set, rate, kind, server, watched)
	stopLoad()
	return c, errors.Join(err, <-loaded)
}

// saved makes the fork once the load has gone on for a while, and waits for its record.
func saved(ctx context.Context, set settings, rate float64, kind fork.Kind, server *redisrun.Server, watched *fleet.Fleet) (recorded.Case, error) {
	var c recorded.Case
	if err := rig.Sleep(ctx, set.settle); err != nil {
		return c, err
	}
	before, known := watched.Servers[0].History.State(), len(watched.Store.Forks())
	command := server.Client().BgSave(ctx)
	if kind == fork.KindAOF {
		command = server.Client().BgRewriteAOF(ctx)
	}
	if err := command.Err(); err != nil {
		return c, err
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if err := rig.Sleep(ctx, 100*time.Millisecond); err != nil {
			return c, err
		}
		if f := watched.Store.Forks(); len(f) > known && !f[0].Running() {
			c = recorded.New(before.Name, before, f[0])
			slog.Info("Recorded", "series", before.Name, "kind", f[0].Kind, "rate", rate, "measured_rate", before.WriteRate.Or(0), //nolint:sloglint // a program's own output
				"resident", before.ResidentBytes.Or(0), "extra", f[0].ExtraPeakBytes.Or(0), "source", f[0].ExtraSource, "seconds", f[0].LifetimeSeconds.Or(0), "points", len(f[0].ExtraCurve))
			return c, nil
		}
	}
	return c, errors.New("the fork's record was not closed in time")
}

func write(out io.Writer, c recorded.Case) error {
	for i := range c.Fork.ExtraCurve { // what is beyond the clock's grain would only fill the file
		p := &c.Fork.ExtraCurve[i]
		p.Seconds, p.Changes = float64(int(p.Seconds*1000))/1000, float64(int(p.Changes))
	}
	return json.NewEncoder(out).Encode(c)
}
