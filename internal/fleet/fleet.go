package fleet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/watch"
)

// hostEvery is the time between two looks at the machine.
const hostEvery = 10 * time.Second

// Fleet is the configured servers, each with its watcher, and the history that
// the watchers write.
type Fleet struct {
	Store   *history.Store
	Servers []Server // in the order of Config.Targets
	FS      proc.FS
	Limits  limits.FS

	poller    *proc.ChildPoller
	processes *Processes
	stats     *taskstats.Client // nil where it can't be had
}

// Server is one server of a Fleet.
type Server struct {
	Target  Target
	Options redisinfo.Options // how it is reached
	History *history.Server

	client  *redisinfo.Client
	watcher *watch.Watcher
}

// New returns the fleet that c describes; nothing is watched before Run. The caller
// has to call Close. An error says what of c makes no sense, or what of the machine
// can't be had.
func New(c Config) (*Fleet, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	tlsConfig, err := c.TLS.load()
	if err != nil {
		return nil, err
	}
	fs, err := proc.NewFS(c.ProcFS)
	if err != nil {
		return nil, err
	}
	poller, err := proc.NewChildPoller(c.PollInterval)
	if err != nil {
		return nil, fmt.Errorf("starting the poller of children: %w", err)
	}
	f := &Fleet{Store: history.New(), FS: fs, Limits: limits.NewFS(c.ProcFS, c.SysFS), poller: poller, processes: NewProcesses()}
	f.Store.SetHost(f.Limits.Host())
	machine := watch.LocalMachine{FS: fs, Limits: f.Limits, Poller: poller}
	if machine.Stats, machine.NoStats = taskstats.New(); machine.NoStats == nil {
		f.stats = machine.Stats
	}
	for _, t := range c.Targets {
		f.Servers = append(f.Servers, f.server(&c, t, machine, tlsConfig))
	}
	return f, nil
}

// server returns t with its watcher, which has a line of its own in the history.
// machine is what the watcher looks at, tlsConfig for a target with TLS.
func (f *Fleet) server(c *Config, t Target, machine watch.Machine, tlsConfig *tls.Config) Server {
	o := c.access(t, tlsConfig)
	s := Server{Target: t, Options: o, History: f.Store.AddServer(t.Name, t.Display()), client: redisinfo.NewClient(o)}
	s.watcher = watch.New(watch.Options{
		Name:           t.Name,
		Redis:          s.client,
		Machine:        machine,
		Processes:      f.processes,
		Server:         s.History,
		Logger:         c.Logger,
		Sampling:       c.Sampling,
		SampleInterval: c.SampleInterval,
		Budget:         child.NewBudget(c.SampleBudget),
		CPUTime:        proc.ThreadCPUTime,
	})
	return s
}

// Run watches until ctx ends, which is no error.
func (f *Fleet) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return f.poller.Run(ctx) })
	group.Go(func() error { return keepHost(ctx, f.Limits, f.Store) })
	for _, s := range f.Servers {
		group.Go(func() error { return s.watcher.Run(ctx) })
	}
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Close lets go of the connections. It comes after Run.
func (f *Fleet) Close() {
	for _, s := range f.Servers {
		s.client.Close()
	}
	if f.stats != nil {
		f.stats.Close()
	}
}

func keepHost(ctx context.Context, fs limits.FS, store *history.Store) error {
	tick := time.NewTicker(hostEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			store.SetHost(fs.Host())
		}
	}
}
