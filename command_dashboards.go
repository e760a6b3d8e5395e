package main

import (
	"fmt"
	"os"

	"github.com/alecthomas/kingpin/v2"

	"github.com/redis-fork-exporter/redis_fork_exporter/dashboards"
)

// runDashboards writes the dashboards and rules that belong to this version.
func runDashboards(args []string) int {
	app := kingpin.New("redis_fork_exporter dashboards", "Writes the Grafana dashboards and the Prometheus and Alertmanager rules that belong to this version. What is there is replaced, except for redis-fork-limits.yaml, which is yours.")
	app.HelpFlag.Short('h')
	dir := app.Flag("output", "Directory to write them into; it is made if need be.").Required().PlaceHolder("DIR").String()
	if _, err := app.Parse(args); err != nil {
		fmt.Fprintf(os.Stderr, "redis_fork_exporter dashboards: %v; see redis_fork_exporter dashboards --help\n", err)
		return 2
	}
	written, err := dashboards.Write(*dir)
	for _, name := range written {
		fmt.Println(name)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "redis_fork_exporter dashboards: %v\n", err)
		return 1
	}
	return 0
}
