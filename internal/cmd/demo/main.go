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
	"github.com/redis/go-redis/v9/logging"
	"golang.org/x/sync/errgroup"

	"github.com/redis-fork-exporter/redis_fork_exporter/exporter"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

type settings struct {
	once   bool
	length time.Duration
	listen string
	keys   int
	size   int
	rate   int
	quiet  time.Duration
	pause  time.Duration

	prometheus string // "" for none, and then what follows is for nothing
	rules      string
	scrape     time.Duration
	record     string

	pictures string // directory for pictures, "" for none
}

func main() { os.Exit(run()) }

func run() int {
	var s settings
	flag.BoolVar(&s.once, "once", false, "end after a few forks")
	flag.DurationVar(&s.length, "for", 0, "end after this time; 0: at Ctrl-C")
	flag.StringVar(&s.listen, "listen", "localhost:10121", "address of the exporter's pages")
	flag.IntVar(&s.keys, "keys", 1_000_000, "keys to fill the server with")
	flag.IntVar(&s.size, "value-size", 400, "bytes per value")
	flag.IntVar(&s.rate, "rate", 12_000, "writes per second")
	flag.DurationVar(&s.quiet, "quiet", 0, "time before the first fork")
	flag.DurationVar(&s.pause, "pause", 5*time.Second, "time between two forks")
	flag.StringVar(&s.prometheus, "prometheus", "", "address of a Prometheus to start too, such as 127.0.0.1:9090; the server then has a replica")
	flag.StringVar(&s.rules, "rules", "dashboards", "directory of Prometheus' rules")
	flag.DurationVar(&s.scrape, "scrape-interval", 15*time.Second, "how often Prometheus scrapes")
	flag.StringVar(&s.record, "record", "", "file to write what Prometheus has in the end to, compressed")
	flag.StringVar(&s.pictures, "pictures", "", "directory to write pictures of the exporter's pages to in the end")
	flag.Parse()
	if s.record != "" && s.prometheus == "" {
		fmt.Fprintln(os.Stderr, "demo: --record needs --prometheus")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := demo(ctx, &s); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	return 0
}

func demo(ctx context.Context, s *settings) error {
	redis.SetLogger(&logging.VoidLogger{})
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("%w; choose another address with --listen, as in --listen=localhost:0", err)
	}
	defer listener.Close()
	if hint := accountingHint(os.Geteuid(), fleet.DefaultConfig().ProcFS); hint != "" {
		fmt.Println(hint)
	}
	scene, err := newScene(ctx, s.prometheus != "")
	if err != nil {
		return err
	}
	defer scene.stop()
	fmt.Printf("A private Redis listens on %s. Filling it with %d keys of %d bytes …\n", scene.primary.Addr(), s.keys, s.size)
	if err := redisrun.Fill(ctx, scene.primary.Client(), s.keys, s.size); err != nil {
		return err
	}

	// All of it runs on after ctx until Prometheus has told what it has.
	group, running := errgroup.WithContext(context.WithoutCancel(ctx))
	group.Go(func() error { return runExporter(running, listener, scene.targets()) })
	var p *prometheus
	if s.prometheus != "" {
		dir, err := os.MkdirTemp("", "redis-fork-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if p, err = startPrometheus(running, s, dir, listener.Addr().String()); err != nil {
			return err
		}
		group.Go(p.wait)
	}
	done := make(chan struct{})
	n := &narrator{url: "http://" + listener.Addr().String(), out: os.Stdout, live: isTerminal(os.Stdout)}
	group.Go(func() error {
		load := redisrun.StartLoad(running, scene.primary.Client(), redisrun.LoadOptions{Rate: s.rate, Keys: s.keys, ValueSize: s.size})
		defer load.Stop()
		if err := errors.Join(n.ready(running), p.ready(running)); err != nil {
			return err
		}
		where(s, n.url, p)
		if err := scene.run(running, s, n); err != nil {
			return err
		}
		close(done)
		return nil
	})
	group.Go(func() error { return end(ctx, running, s, n, p, done) })
	if err := group.Wait(); !errors.Is(err, errOver) {
		return err
	}
	return nil
}

// errOver ends the demo when its time is over.
var errOver = errors.New("the time is over")

// end returns when the demo is to end: after its time, after its last fork (done), with
// ctx, or because nothing runs any more. Before it does, Prometheus (p) is asked for the
// record, and pictures are made of the exporter that n tells of.
func end(ctx, running context.Context, s *settings, n *narrator, p *prometheus, done <-chan struct{}) error {
	var over <-chan time.Time
	if s.length > 0 {
		over = time.After(s.length)
	}
	select {
	case <-running.Done():
		return running.Err()
	case <-ctx.Done():
	case <-over:
	case <-done:
	}
	if s.record != "" {
		if err := p.record(running, s.record); err != nil {
			return fmt.Errorf("record: %w", err)
		}
	}
	if s.pictures != "" {
		forks, err := n.get(running)
		if err != nil {
			return err
		}
		if err := pictures(running, s.pictures, n.url, forks); err != nil {
			return fmt.Errorf("pictures: %w", err)
		}
	}
	return errOver
}

// where says what is to be seen where, at the exporter's url and in p, which may be nil.
func where(s *settings, url string, p *prometheus) {
	fmt.Printf("The exporter watches it: %s shows what the terminal shows.\n", url)
	if p != nil {
		provisioning, err := filepath.Abs(filepath.Join("deploy", "grafana", "provisioning"))
		if err != nil {
			provisioning = "deploy/grafana/provisioning"
		}
		fmt.Printf("Prometheus has its metrics, curves and rules: %[1]s and %[1]s/alerts.\n", p.url)
		fmt.Printf("Grafana is not started here. One beside this shows the dashboards with GF_PATHS_PROVISIONING=%s (docs/dashboards.md).\n", provisioning)
	}
	fmt.Printf("Writing %d keys a second.", s.rate)
	if !s.once {
		fmt.Print(" Ctrl-C ends the demo.")
	}
	fmt.Print("\n\n")
}

// accountingHint says how the time that copies take could be shown too, "" where
// nothing is missing or this user couldn't see it anyway. The demo leaves the
// switch alone: it is the whole machine's, and costs every process a little.
func accountingHint(uid int, procfs string) string {
	if on, err := limits.NewFS(procfs, "/sys").DelayAccounting(); uid != 0 || err != nil || on {
		return ""
	}
	return "The time that copies take is not shown: kernel.task_delayacct is 0. To see it, run sysctl -w kernel.task_delayacct=1 before the demo; " + words.DelaysPrice + "."
}

func runExporter(ctx context.Context, l net.Listener, targets []fleet.Target) error {
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
