// Command forkseries records series of real forks, for the tests of the forecast:
// private servers whose data grow, under a load that changes from one fork to the
// next. It follows them as the exporter does, and writes each fork's record
// together with what was known before.
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
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast/recorded"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/watch"
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

func main() { os.Exit(run()) }

func run() int {
	var s settings
	flag.IntVar(&s.forks, "forks", 24, "forks of each series")
	flag.DurationVar(&s.settle, "settle", 35*time.Second, "how long a new write rate goes on before the fork")
	flag.StringVar(&s.cgroup, "cgroup", "", "empty memory cgroup, as a directory, for the servers of series that have their own")
	flag.StringVar(&s.wrapper, "wrapper", "", "command that runs the servers, such as \"chrt -f 1\": what else runs on the machine changes how long a child lives")
	flag.StringVar(&s.only, "series", "", "record this series only")
	flag.Uint64Var(&s.seed, "seed", 1, "of the changes of load")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	redis.SetLogger(quiet{})
	for _, series := range all {
		if s.only != "" && s.only != series.name {
			continue
		}
		if err := record(ctx, s, series, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "forkseries: %s: %v\n", series.name, err)
			return 1
		}
	}
	return 0
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
	store := history.New()
	srv := store.AddServer(s.name, server.Addr())
	group, watching := errgroup.WithContext(ctx)
	watching, stop := context.WithCancel(watching)
	if err := follow(watching, group, server, srv); err != nil {
		stop()
		return err
	}
	group.Go(func() error {
		defer stop()
		return forks(watching, set, s, server, store, srv, out)
	})
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return ctx.Err()
}

// follow watches a server as the exporter does with its defaults.
func follow(ctx context.Context, group *errgroup.Group, server *redisrun.Server, srv *history.Server) error {
	fs, err := proc.NewFS("/proc")
	if err != nil {
		return err
	}
	poller, err := proc.NewChildPoller(10 * time.Millisecond)
	if err != nil {
		return err
	}
	client := redisinfo.NewClient(redisinfo.Options{Network: server.Network(), Addr: server.Addr(), DialTimeout: time.Second})
	w := watch.New(watch.Options{
		Name: srv.State().Name, Redis: client, Processes: fleet.NewProcesses(), Machine: watch.LocalMachine{FS: fs, Limits: limits.NewFS("/proc", "/sys"), Poller: poller, NoStats: errors.ErrUnsupported}, Server: srv,
		Logger:   slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Sampling: true, SampleInterval: 100 * time.Millisecond,
		Budget: child.NewBudget(0.01), CPUTime: proc.ThreadCPUTime,
	})
	group.Go(func() error { return poller.Run(ctx) })
	group.Go(func() error {
		defer client.Close()
		return w.Run(ctx)
	})
	return nil
}

func forks(ctx context.Context, set settings, s series, server *redisrun.Server, store *history.Store, srv *history.Server, out io.Writer) error {
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
		c, err := one(ctx, set, w, rate, s.kinds[random.IntN(len(s.kinds))], server, store, srv)
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
func one(ctx context.Context, set settings, w *writer, rate float64, kind fork.Kind, server *redisrun.Server, store *history.Store, srv *history.Server) (recorded.Case, error) {
	loading, stopLoad := context.WithCancel(ctx)
	loaded := make(chan error, 1)
	go func() { loaded <- w.run(loading, rate, w.lastKeys) }()
	defer stopLoad()
	c, err := saved(ctx, set, rate, kind, server, store, srv)
	stopLoad()
	return c, errors.Join(err, <-loaded)
}

// saved makes the fork once the load has gone on for a while, and waits for its record.
func saved(ctx context.Context, set settings, rate float64, kind fork.Kind, server *redisrun.Server, store *history.Store, srv *history.Server) (recorded.Case, error) {
	var c recorded.Case
	if err := sleep(ctx, set.settle); err != nil {
		return c, err
	}
	before, known := srv.State(), len(store.Forks())
	command := server.Client().BgSave(ctx)
	if kind == fork.KindAOF {
		command = server.Client().BgRewriteAOF(ctx)
	}
	if err := command.Err(); err != nil {
		return c, err
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return c, err
		}
		if f := store.Forks(); len(f) > known && !f[0].Running() {
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

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// quiet drops what go-redis would print.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}
