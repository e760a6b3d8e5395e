package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/redis-fork-exporter/redis_fork_exporter/exporter"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

type settings struct {
	listen     string
	prometheus string
	rules      string
	scrape     time.Duration
	keys       int
	size       int
	rate       int
	quiet      time.Duration
	pause      time.Duration
	length     time.Duration
	record     string
}

func main() { os.Exit(run()) }

func run() int {
	var s settings
	flag.StringVar(&s.listen, "listen", "127.0.0.1:10121", "address of the exporter")
	flag.StringVar(&s.prometheus, "prometheus", "127.0.0.1:9090", "address of Prometheus")
	flag.StringVar(&s.rules, "rules", "dashboards", "directory of the rules")
	flag.DurationVar(&s.scrape, "scrape-interval", 15*time.Second, "how often Prometheus scrapes")
	flag.IntVar(&s.keys, "keys", 500_000, "keys to fill the server with")
	flag.IntVar(&s.size, "value-size", 400, "bytes per value")
	flag.IntVar(&s.rate, "rate", 5_000, "writes per second")
	flag.DurationVar(&s.quiet, "quiet", 0, "time before the first fork")
	flag.DurationVar(&s.pause, "pause", 20*time.Second, "time between two forks")
	flag.DurationVar(&s.length, "for", 0, "end after this time; 0: at Ctrl-C")
	flag.StringVar(&s.record, "record", "", "file to write what Prometheus has in the end to, compressed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := stack(ctx, &s); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "stack:", err)
		return 1
	}
	return 0
}

func stack(ctx context.Context, s *settings) error {
	redis.SetLogger(quiet{})
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("%w; choose another address with --listen", err)
	}
	defer listener.Close()
	dir, err := os.MkdirTemp("", "redis-fork-stack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	primary, err := redisrun.Start(ctx, redisrun.Options{Args: []string{"--repl-diskless-sync-delay", "0", "--save", "3600 1"}})
	if err != nil {
		return err
	}
	defer primary.Stop()
	replica, err := redisrun.Start(ctx, redisrun.Options{})
	if err != nil {
		return err
	}
	defer replica.Stop()
	fmt.Printf("Filling a Redis with %d keys of %d bytes …\n", s.keys, s.size)
	if err := redisrun.Fill(ctx, primary.Client(), s.keys, s.size); err != nil {
		return err
	}

	// All of it runs on after ctx until Prometheus has told what it has.
	group, running := errgroup.WithContext(context.WithoutCancel(ctx))
	group.Go(func() error { return runExporter(running, listener, primary, replica) })
	prometheus, err := startPrometheus(running, s, dir, listener.Addr().String())
	if err != nil {
		return err
	}
	group.Go(prometheus.wait)
	group.Go(func() error {
		load := redisrun.StartLoad(running, primary.Client(), redisrun.LoadOptions{Rate: s.rate, Keys: s.keys, ValueSize: s.size})
		defer load.Stop()
		if err := sleep(running, s.quiet); err != nil {
			return err
		}
		return newForks(primary, replica, s.pause).run(running)
	})
	group.Go(func() error {
		if err := prometheus.ready(ctx); err != nil {
			return err
		}
		where(s, listener.Addr().String())
		return end(ctx, running, s, prometheus)
	})
	err = group.Wait()
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

// errOver ends the stack when its time is over.
var errOver = errors.New("the time is over")

// end returns when the time is over, or ctx is, or nothing runs any more.
func end(ctx, running context.Context, s *settings, p *prometheus) error {
	var over <-chan time.Time
	if s.length > 0 {
		over = time.After(s.length)
	}
	select {
	case <-running.Done():
		return running.Err()
	case <-ctx.Done():
	case <-over:
	}
	if s.record != "" {
		if err := p.record(running, s.record); err != nil {
			return fmt.Errorf("record: %w", err)
		}
	}
	return errOver
}

func where(s *settings, exporter string) {
	provisioning, err := filepath.Abs(filepath.Join("deploy", "grafana", "provisioning"))
	if err != nil {
		provisioning = "deploy/grafana/provisioning"
	}
	fmt.Printf(`
The exporter     http://%[1]s/        its forks: http://%[1]s/forks
Prometheus       http://%[2]s/        alerts: http://%[2]s/alerts
Grafana          is not started here. One beside this shows the dashboards with GF_PATHS_PROVISIONING=%[3]s (docs/dashboards.md)

A Redis and its replica save, rewrite and sync by turns, every %[4]s. Ctrl-C ends it all.
`, exporter, s.prometheus, provisioning, s.pause)
}

func runExporter(ctx context.Context, l net.Listener, primary, replica *redisrun.Server) error {
	var targets []fleet.Target
	for _, name := range []string{"primary=" + primary.Addr(), "replica=" + replica.Addr()} {
		t, err := fleet.ParseTarget(name)
		if err != nil {
			return err
		}
		targets = append(targets, t)
	}
	c := exporter.DefaultConfig()
	c.Targets, c.Listener = targets, l
	c.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return exporter.Run(ctx, c)
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
