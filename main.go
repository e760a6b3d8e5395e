// Command redis_fork_exporter watches the forks of Redis-compatible servers and
// exports what each one cost as Prometheus metrics, pages and JSON. Its commands
// check and measure tell a person at a terminal the same.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/common/version"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/redis-fork-exporter/redis_fork_exporter/dashboards"
	"github.com/redis-fork-exporter/redis_fork_exporter/exporter"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/check"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/measure"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/terminal"
)

// statusUsage is the exporter's exit status for a command line that makes no sense.
const statusUsage = 2

// command returns what runs the command word, which stands before the flags; nil
// where there is none of that name. Without a command the exporter runs.
func command(word string) func(args []string) int {
	switch word {
	case "check":
		return runCheck
	case "measure":
		return runMeasure
	case "dashboards":
		return runDashboards
	}
	return nil
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1) // a guest beside the server: one core is more than enough
	}
	redis.SetLogger(&logging.VoidLogger{}) // the library's logger is global; failures reach us as errors
	if len(args) > 0 {
		if do := command(args[0]); do != nil {
			return do(args[1:])
		}
	}
	return runExporter(args)
}

func runExporter(args []string) int {
	c, logs, err := parseExporter(args)
	if err != nil {
		return usage(program, err, statusUsage)
	}
	c.Logger = promslog.New(logs)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c.Logger.Info("Starting redis_fork_exporter", "version", version.Info(), "build", version.BuildContext())
	if err := exporter.Run(ctx, c); err != nil {
		c.Logger.Error("The exporter has stopped", "err", err)
		return 1
	}
	c.Logger.Info("Stopped")
	return 0
}

// runDashboards writes the dashboards and rules that belong to this version.
func runDashboards(args []string) int {
	dir, err := parseDashboards(args)
	if err != nil {
		return usage(program+" dashboards", err, statusUsage)
	}
	written, err := dashboards.Write(dir)
	for _, name := range written {
		fmt.Println(name)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s dashboards: %v\n", program, err)
		return 1
	}
	return 0
}

func runCheck(args []string) int {
	o, err := parseCheck(args)
	if err != nil {
		return usage(program+" check", err, check.StatusAsk) // a 2 would say that a server fails
	}
	o.Terminal, o.Interrupt = newTerminal(), interrupts()
	return check.Run(o)
}

func runMeasure(args []string) int {
	o, err := parseMeasure(args)
	if err != nil {
		return usage(program+" measure", err, measure.StatusUsage)
	}
	o.Terminal, o.Interrupt = newTerminal(), interrupts()
	return measure.Run(o)
}

// interrupts returns a channel that gets a signal when somebody wants to leave, or
// has closed the terminal; the latter means nothing under nohup.
func interrupts() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(c, syscall.SIGHUP)
	}
	return c
}

func newTerminal() *terminal.Terminal {
	color := os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return terminal.New(os.Stdin, os.Stdout, os.Stderr, color)
}

func usage(name string, err error, status int) int {
	fmt.Fprintf(os.Stderr, "%s: %v; see %s --help\n", name, err, name)
	return status
}
