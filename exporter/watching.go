package exporter

import (
	"context"
	"errors"
	"fmt"
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

const (
	// dialTime is shorter than the watcher's patience with INFO: so the error says
	// in which step, connecting, TLS or INFO, the time went.
	dialTime  = 3 * time.Second
	hostEvery = 10 * time.Second
)

// Watching is a watcher for each configured server, and the history that they
// write. The exporter serves that history; the commands at the terminal are
// drawn from it.
type Watching struct {
	Store   *history.Store
	Servers []Watched // in the order of Config.Targets
	FS      proc.FS
	Limits  limits.FS

	poller *proc.ChildPoller
	stats  *taskstats.Client // nil where it can't be had
}

// Watched is one server of a Watching.
type Watched struct {
	Target  Target
	Options redisinfo.Options // how it is reached
	History *history.Server

	client  *redisinfo.Client
	watcher *watch.Watcher
}

// Watch makes the watchers, which Run starts. It needs of c what is about the
// servers and the machine. The caller has to call Close.
func Watch(c Config) (*Watching, error) {
	if err := c.checkServers(); err != nil {
		return nil, err
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
	w := &Watching{Store: history.New(), FS: fs, Limits: limits.NewFS(c.ProcFS, c.SysFS), poller: poller}
	w.Store.SetHost(w.Limits.Host())
	machine := watch.LocalMachine{FS: fs, Limits: w.Limits, Poller: poller}
	if machine.Stats, machine.NoStats = taskstats.New(); machine.NoStats == nil {
		w.stats = machine.Stats
	}
	for _, t := range c.Targets {
		o := redisinfo.Options{Network: t.Network, Addr: t.Addr, Username: c.user(t), Password: c.password(t), DialTimeout: dialTime}
		if t.TLS {
			o.TLS = tlsConfig
		}
		s := Watched{Target: t, Options: o, History: w.Store.AddServer(t.Name, t.Display()), client: redisinfo.NewClient(o)}
		s.watcher = watch.New(watch.Options{
			Name:           t.Name,
			Redis:          s.client,
			Machine:        machine,
			Server:         s.History,
			Logger:         c.Logger,
			Sampling:       c.Sampling,
			SampleInterval: c.SampleInterval,
			Budget:         child.NewBudget(c.SampleBudget),
			CPUTime:        proc.ThreadCPUTime,
		})
		w.Servers = append(w.Servers, s)
	}
	return w, nil
}

// Run watches until ctx ends, which is no error.
func (w *Watching) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.poller.Run(ctx) })
	group.Go(func() error { return keepHost(ctx, w.Limits, w.Store) })
	for _, s := range w.Servers {
		group.Go(func() error { return s.watcher.Run(ctx) })
	}
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Close lets go of the connections. It comes after Run.
func (w *Watching) Close() {
	for _, s := range w.Servers {
		s.client.Close()
	}
	if w.stats != nil {
		w.stats.Close()
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
