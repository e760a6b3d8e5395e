package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// accountingTable has a row per quantity, and both settings side by side.
func accountingTable(all []accounted, rng *rand.Rand) *table {
	t := &table{
		title: "What delay accounting costs",
		notes: []string{
			fmt.Sprintf("A server that nobody observes, one client that sends %d SETs and GETs of %d bytes at once and waits for the replies, in turns with kernel.task_delayacct 0 and 1, set before the server starts. "+
				"While a child lives, %d commands are measured: each first write to a page copies it. With accounting on, redis_fork_copy_stall_seconds_total is there.", accountingPipe, latencyValue, accountingChild),
			ratioNote("the server without"),
		},
		head: []string{"", "rounds", "off", "on", "ratio"},
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
		r := ratios(on, off)
		t.row(row.name, strconv.Itoa(len(r)), figure(median(inOrder(off))), figure(median(inOrder(on))), ratio(r, rng))
	}
	return t
}
