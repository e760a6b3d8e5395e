package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

// releaseTable has a row per observer and state of the machine.
func releaseTable(kills []kill, rng *rand.Rand) *rig.Table {
	t := &rig.Table{
		Title: "How soon a killed child's memory is free again",
		Head: []string{
			"machine", "observer", "kills", "dead after, ms", "memory back after, ms", "longest, ms",
			"from death to memory, ms", "longest, ms", "memory back: ratio",
		},
	}
	held := make([]float64, 0, len(kills))
	for _, k := range kills {
		held = append(held, float64(k.held)/1e6)
	}
	t.Notes = []string{
		fmt.Sprintf("The child of a BGSAVE of a 1 GB server is killed (SIGKILL) when it alone holds %s MB or so. "+
			"Times are medians, since the signal, with a grain of 1 ms: until the child is dead (a zombie, which is when its pidfd says so), and until all but %d MB are back. "+
			"Memory that is back before the death has a time below 0 between them: the kernel frees it first, unless somebody is reading it. "+
			"Busy: a loop at ordinary priority for each CPU.", rig.Figure(rig.Median(held)), releaseRest>>20),
		rig.RatioNote("the unobserved kill"),
	}
	for _, busy := range []bool{false, true} {
		for _, o := range []string{unobserved, oursAlone, inSmaps} {
			of := chosen(kills, o, busy)
			if len(of) == 0 {
				continue
			}
			back := killTimes(of, func(k kill) float64 { return ms(k.back) })
			after := killTimes(of, func(k kill) float64 { return ms(k.back - k.dead) })
			compared := "1"
			if o != unobserved {
				compared = rig.Ratio(rig.Ratios(back, killTimes(chosen(kills, unobserved, busy), func(k kill) float64 { return ms(k.back) })), rng)
			}
			t.Row(machine(busy), o+caught(of), strconv.Itoa(len(of)),
				rig.Figure(rig.Median(rig.InOrder(killTimes(of, func(k kill) float64 { return ms(k.dead) })))),
				rig.Figure(rig.Median(rig.InOrder(back))), rig.Figure(slices.Max(rig.InOrder(back))),
				rig.Figure(rig.Median(rig.InOrder(after))), rig.Figure(slices.Max(rig.InOrder(after))), compared)
		}
	}
	return t
}

func chosen(kills []kill, observer string, busy bool) []kill {
	return slices.DeleteFunc(slices.Clone(kills), func(k kill) bool { return k.observer != observer || k.busy != busy })
}

func killTimes(kills []kill, of func(kill) float64) map[int]float64 {
	values := map[int]float64{}
	for _, k := range kills {
		values[k.round] = of(k)
	}
	return values
}

// caught tells if not all kills fell into a read that they should fall into.
func caught(kills []kill) string {
	n := 0
	for _, k := range kills {
		if k.reading {
			n++
		}
	}
	if kills[0].observer != inSmaps || n == len(kills) {
		return ""
	}
	return fmt.Sprintf(" (in %d of %d kills)", n, len(kills))
}
