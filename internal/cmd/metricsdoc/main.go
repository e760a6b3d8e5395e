package main

import (
	"fmt"
	"os"

	"github.com/redis-fork-exporter/redis_fork_exporter/collectors"
)

func main() {
	if _, err := os.Stdout.Write(page(collectors.All())); err != nil {
		fmt.Fprintln(os.Stderr, "metricsdoc: writing to standard output:", err)
		os.Exit(1)
	}
}
