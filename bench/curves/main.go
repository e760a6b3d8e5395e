package main

import (
	"context"
	"flag"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

func main() {
	rig.Main("curves", func(ctx context.Context, args []string) error {
		flags := flag.NewFlagSet("curves", flag.ContinueOnError)
		only := flags.String("only", "accuracy,forks", "parts to run, separated by commas: accuracy, forks, estimate")
		loads := flags.String("loads", "", "loads to put on the server, separated by semicolons; none: all")
		data := flags.Int("data", 1024, "MiB of data in the server")
		busy := flags.String("busy", "0,1,2", "numbers of busy processes beside the server, for estimate")
		if err := flags.Parse(args); err != nil {
			return rig.Usage(err)
		}
		b, err := newBench(*only, *loads, *busy)
		if err != nil {
			return rig.Usage(err)
		}
		b.bytes = *data << 20
		return b.run(ctx)
	})
}
