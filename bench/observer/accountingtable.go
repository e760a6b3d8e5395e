package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

// accountingTable has a row per quantity, and both settings side by side.
func accountingTable(all []accounted, rng *rand.Rand) *rig.Table {
	t := &rig.Table{
		Title: "What delay accounting costs",
		Notes: []string{
			fmt.Sprintf("A server that nobody observes, one client that sends %d SETs and GETs of %d bytes at once and waits for the replies, in turns with kernel.task_delayacct 0 and 1, set before the server starts. "+
				"While a child lives, %d commands are measured: each first write to a page copies it. With accounting on, redis_fork_copy_stall_seconds_total is there.", accountingPipe, latencyValue, accountingChild),
			rig.RatioNote("the server without"),
		},
		Head: []string{"", "rounds", "off", "on", "ratio"},
	}
	for _, row := range []struct {
		name string
		of   func(accounted) float64
	}{
		{"commands a second, nothing forks", func(a accounted) float64 { return a.quiet.perSecond() }},
		{"CPU seconds per million commands, nothing forks", func(a accounted) float64 { return a.quiet.perMillion() }},
		{"commands a second, a child lives", func(a accounted) float64 { return a.child.perSecond() }},
		{"CPU seconds per million commands, a child lives", func(a accounted) float64 { return a.child.perMillion() }},
	} {
		off, on := map[int]float64{}, map[int]float64{}
		for _, a := range all {
			if a.on {
				on[a.round] = row.of(a)
			} else {
				off[a.round] = row.of(a)
			}
		}
		r := rig.Ratios(on, off)
		t.Row(row.name, strconv.Itoa(len(r)), rig.Figure(rig.Median(rig.InOrder(off))), rig.Figure(rig.Median(rig.InOrder(on))), rig.Ratio(r, rng))
	}
	return t
}
