// Command demo shows the exporter at work: it fills a private Redis, puts it
// under a write load, lets it save and rewrite its AOF, and tells after each
// fork what it cost. It reads all of that from the exporter's own API.
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
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/redis-fork-exporter/redis_fork_exporter/exporter"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

const procfs = "/proc"

type settings struct {
	once   bool
	listen string
	keys   int
	size   int
	rate   int
	pause  time.Duration
}

func main() { os.Exit(run()) }

func run() int {
	var s settings
	flag.BoolVar(&s.once, "once", false, "end after a few forks")
	flag.StringVar(&s.listen, "listen", "localhost:10121", "address of the exporter's pages")
	flag.IntVar(&s.keys, "keys", 1_000_000, "keys to fill the server with")
	flag.IntVar(&s.size, "value-size", 400, "bytes per value")
	flag.IntVar(&s.rate, "rate", 12_000, "writes per second")
	flag.DurationVar(&s.pause, "pause", 5*time.Second, "time between two forks")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := demo(ctx, s)
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	return 0
}

func demo(ctx context.Context, s settings) error {
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("%w; choose another address: make demo ARGS=--listen=localhost:0", err)
	}
	url := "http://" + listener.Addr().String()
	redis.SetLogger(quiet{})

	if hint := accountingHint(os.Geteuid(), procfs); hint != "" {
		fmt.Println(hint)
	}
	server, err := redisrun.Start(ctx, redisrun.Options{})
	if err != nil {
		return err
	}
	defer server.Stop()
	fmt.Printf("A private Redis listens on %s. Filling it with %d keys of %d bytes …\n", server.Addr(), s.keys, s.size)
	if err := redisrun.Fill(ctx, server.Client(), s.keys, s.size); err != nil {
		return err
	}

	group, ctx := errgroup.WithContext(ctx)
	watching, stopWatching := context.WithCancel(ctx)
	group.Go(func() error { return runExporter(watching, listener, server) })
	group.Go(func() error {
		defer stopWatching()
		fmt.Printf("The exporter watches it: %s shows what the terminal shows.\nWriting %d keys a second.", url, s.rate)
		if !s.once {
			fmt.Print(" Ctrl-C ends the demo.")
		}
		fmt.Print("\n\n")
		load := redisrun.StartLoad(watching, server.Client(), redisrun.LoadOptions{Rate: s.rate, Keys: s.keys, ValueSize: s.size})
		defer load.Stop()
		return forks(watching, s, server, &narrator{url: url, out: os.Stdout, live: isTerminal(os.Stdout)})
	})
	err = group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
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

func runExporter(ctx context.Context, l net.Listener, server *redisrun.Server) error {
	target, err := fleet.ParseTarget("demo=" + server.Addr())
	if err != nil {
		return err
	}
	c := exporter.DefaultConfig()
	c.Targets, c.Listener = []fleet.Target{target}, l
	c.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return exporter.Run(ctx, c)
}

// forks makes forks of several kinds and ends, again and again.
func forks(ctx context.Context, s settings, server *redisrun.Server, n *narrator) error {
	if err := n.ready(ctx); err != nil {
		return err
	}
	cycle := []struct {
		what string
		run  func(context.Context) error
	}{
		{"BGSAVE", func(ctx context.Context) error { return server.Client().BgSave(ctx).Err() }},
		{"BGREWRITEAOF", func(ctx context.Context) error { return server.Client().BgRewriteAOF(ctx).Err() }},
		{"BGSAVE, and its child is killed half-way", func(ctx context.Context) error {
			if err := server.Client().BgSave(ctx).Err(); err != nil {
				return err
			}
			n.whenHalfDone(ctx, func(pid int) { _ = syscall.Kill(pid, syscall.SIGKILL) })
			return nil
		}},
	}
	for round := 0; ; round++ {
		for _, c := range cycle {
			fmt.Fprintf(n.out, "> %s\n", c.what)
			if err := c.run(ctx); err != nil {
				return fmt.Errorf("%s: %w", c.what, err)
			}
			if err := n.tell(ctx); err != nil {
				return err
			}
			if err := n.pause(ctx, s.pause); err != nil {
				return err
			}
		}
		if s.once {
			fmt.Fprintf(n.out, "That was it. Without --once the demo goes on, and %s stays up.\n", n.url)
			return nil
		}
	}
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
