package rig

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// Main runs a bench called name with the program's arguments and ends the program:
// with status 2 if run returns a UsageError, else 1 for an error and 0 for none or
// flag.ErrHelp. The context of run ends with SIGINT and SIGTERM.
func Main(name string, run func(ctx context.Context, args []string) error) {
	runtime.LockOSThread() // what Start starts ends with this thread
	redis.SetLogger(quiet{})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err == nil || errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	if _, is := errors.AsType[UsageError](err); is {
		os.Exit(2)
	}
	os.Exit(1)
}

// UsageError is what is wrong with the arguments of a bench.
type UsageError struct{ error }

// Usage returns err as a UsageError, flag.ErrHelp and nil as they are.
func Usage(err error) error {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	return UsageError{err}
}

// quiet drops what go-redis would print.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// Sleep returns after d, or with ctx's error when that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Progress tells how a bench goes on.
type Progress struct {
	out   io.Writer
	began time.Time
}

// NewProgress returns a Progress that writes to out, and counts time from now.
func NewProgress(out io.Writer) *Progress { return &Progress{out, time.Now()} }

// Say writes a line: the seconds since NewProgress, and format with args.
func (p *Progress) Say(format string, args ...any) {
	fmt.Fprintf(p.out, "%7.1fs  %s\n", time.Since(p.began).Seconds(), fmt.Sprintf(format, args...))
}
