package exporter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/watch"
)

const (
	shutdownTime = 3 * time.Second
	// dialTime is shorter than the watcher's patience with INFO: so the error says
	// in which step, connecting, TLS or INFO, the time went.
	dialTime  = 3 * time.Second
	hostEvery = 10 * time.Second
	// sampleBurst lets the first readings of a save come at their interval: it is
	// short, and a save's growth is steepest in its beginning.
	sampleBurst = 50 * time.Millisecond
)

// Run runs the exporter until ctx ends, which is no error.
func Run(ctx context.Context, c Config) error {
	if err := c.check(); err != nil {
		return err
	}
	fs, err := proc.NewFS(c.ProcFS, c.SysFS)
	if err != nil {
		return err
	}
	poller, err := proc.NewChildPoller(c.PollInterval)
	if err != nil {
		return fmt.Errorf("starting the poller of children: %w", err)
	}
	store := history.New()
	store.SetHost(host(fs))
	machine := watch.LocalMachine{FS: fs, Poller: poller}
	if machine.Stats, machine.NoStats = taskstats.New(); machine.NoStats == nil {
		defer machine.Stats.Close()
	}
	watchers, closeClients, err := watchers(&c, store, machine)
	if err != nil {
		return err
	}
	defer closeClients()

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return poller.Run(ctx) })
	group.Go(func() error { return keepHost(ctx, fs, store) })
	for _, w := range watchers {
		group.Go(func() error { return w.Run(ctx) })
	}
	group.Go(func() error { return serve(ctx, &c, newHandler(&c, store)) })
	err = group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// watchers makes a watcher per target.
func watchers(c *Config, store *history.Store, machine watch.Machine) ([]*watch.Watcher, func(), error) {
	tlsConfig, err := c.TLS.load()
	if err != nil {
		return nil, nil, err
	}
	var clients []*redisinfo.Client
	var out []*watch.Watcher
	for _, t := range c.Targets {
		o := redisinfo.Options{Network: t.Network, Addr: t.Addr, Username: c.user(t), Password: c.password(t), DialTimeout: dialTime}
		if t.TLS {
			o.TLS = tlsConfig
		}
		client := redisinfo.NewClient(o)
		clients = append(clients, client)
		out = append(out, watch.New(watch.Options{
			Name:           t.Name,
			Redis:          client,
			Machine:        machine,
			Server:         store.AddServer(t.Name, t.Display()),
			Logger:         c.Logger,
			Sampling:       c.Sampling,
			SampleInterval: c.SampleInterval,
			Budget:         watch.NewBudget(c.SampleBudget, sampleBurst),
			CPUTime:        proc.ThreadCPUTime,
		}))
	}
	return out, func() {
		for _, client := range clients {
			client.Close()
		}
	}, nil
}

func host(fs proc.FS) history.Host {
	var h history.Host
	if mode, err := fs.OvercommitMode(); err == nil {
		h.OvercommitMode = opt.Of(mode)
	}
	if mode, err := fs.HugePages(); err == nil {
		h.HugePages = opt.Of(mode)
	}
	if major, minor, err := proc.KernelVersion(); err == nil {
		h.Kernel = opt.Of(history.KernelVersion{Major: major, Minor: minor})
	}
	return h
}

func keepHost(ctx context.Context, fs proc.FS, store *history.Store) error {
	tick := time.NewTicker(hostEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			store.SetHost(host(fs))
		}
	}
}

// serve serves until ctx ends, then lets open requests finish.
func serve(ctx context.Context, c *Config, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          slog.NewLogLogger(c.Logger.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		err := server.Shutdown(last)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close() // a client that reads slowly, or has sent nothing yet, is no reason to fail
		}
		stopped <- err
	}()
	var err error
	if c.Listener != nil {
		err = web.Serve(c.Listener, server, c.Web, c.Logger)
	} else {
		err = web.ListenAndServe(server, c.Web, c.Logger)
	}
	switch {
	case errors.Is(err, http.ErrServerClosed):
		return <-stopped
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another exporter is running there, or choose another port with --web.listen-address", err)
	}
	return err
}
