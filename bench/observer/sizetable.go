package main

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

// sizeTable has a row per size and way of sampling, and what the sizes compare to.
func sizeTable(all []sampled, rate, value int) *rig.Table {
	t := &rig.Table{
		Title: "What sampling costs when there is more memory",
		Notes: []string{fmt.Sprintf("CPU time in shares of one core while a child lives, under %d SETs of %d bytes a second, scraped every 5 s: "+
			"that of all readings, by redis_fork_exporter_read_cpu_seconds_total, and that of the whole process. Medians over the saves.", rate, value)},
		Head: []string{"resident, GB", "observer", "saves", "one save, s", "sampling, % of a core", "whole process, % of a core", "reads of smaps a save", "of pages"},
	}
	sizes := sizesOf(all)
	for _, o := range []string{oursAlone, oursShared} {
		shares := map[uint64]sizeShare{}
		for _, resident := range sizes {
			s, n := shareOf(all, o, resident)
			if n == 0 {
				continue
			}
			shares[resident] = s
			t.Row(fmt.Sprintf("%.2f", float64(resident)/gb), o, strconv.Itoa(n), rig.Figure(s.seconds),
				rig.Figure(100*s.sampling), rig.Figure(100*s.process), rig.Figure(s.smapsRead), rig.Figure(s.pagesRead))
		}
		small, large := shares[sizes[0]], shares[sizes[len(sizes)-1]]
		if len(shares) == 2 && small.sampling > 0 && small.process > 0 {
			t.Row("× "+rig.Figure(float64(sizes[1])/float64(sizes[0])), o, "", "",
				"× "+rig.Times(large.sampling/small.sampling), "× "+rig.Times(large.process/small.process), "", "")
		}
	}
	return t
}

// sizesOf are the sizes that were measured, ascending.
func sizesOf(all []sampled) []uint64 {
	var sizes []uint64
	for _, s := range all {
		sizes = append(sizes, s.resident)
	}
	slices.Sort(sizes)
	return slices.Compact(sizes)
}

// sizeShare is what the middle one of some saves cost.
type sizeShare struct {
	seconds           float64 // with a child
	sampling, process float64 // of one core
	smapsRead         float64
	pagesRead         float64
}

func shareOf(all []sampled, observer string, resident uint64) (s sizeShare, saves int) {
	var seconds, sampling, process, smaps, pages []float64
	for _, one := range all {
		took := one.save.seconds()
		if one.observer != observer || one.resident != resident || took == 0 {
			continue
		}
		seconds = append(seconds, took)
		sampling = append(sampling, one.cpu/took)
		process = append(process, one.save.observerRan.Seconds()/took)
		smaps, pages = append(smaps, one.smaps), append(pages, one.pages)
	}
	if len(seconds) == 0 {
		return s, 0
	}
	return sizeShare{rig.Median(seconds), rig.Median(sampling), rig.Median(process), rig.Median(smaps), rig.Median(pages)}, len(seconds)
}
