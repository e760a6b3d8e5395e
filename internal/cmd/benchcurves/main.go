package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis/go-redis/v9"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == calibrateCommand {
		os.Exit(tell(calibrate(os.Stdin, os.Stdout)))
	}
	os.Exit(run())
}

func run() int {
	only := flag.String("only", "accuracy,forks", "parts to run, separated by commas: accuracy, forks, estimate")
	loads := flag.String("loads", "", "loads to put on the server, separated by semicolons; none: all")
	data := flag.Int("data", 1024, "MiB of data in the server")
	busy := flag.String("busy", "0,1,2", "numbers of busy processes beside the server, for estimate")
	flag.Parse()
	redis.SetLogger(quiet{})
	b, err := newBench(*only, *loads, *busy)
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchcurves:", err)
		return 2
	}
	b.bytes = *data << 20
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return tell(b.run(ctx))
}

// tell returns the exit status that goes with an error.
func tell(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchcurves:", err)
		return 1
	}
	return 0
}

// quiet drops what go-redis would print.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}
