package main

import (
	"fmt"
	"slices"
	"strconv"
)

// sizeTable has a row per size and way of sampling, and what the sizes compare to.
func sizeTable(all []sampled, rate, value int) *table {
	t := &table{
		title: "What sampling costs when there is more memory",
		notes: []string{fmt.Sprintf("CPU time in shares of one core while a child lives, under %d SETs of %d bytes a second, scraped every 5 s: "+
			"that of all readings, by redis_fork_exporter_sampler_cpu_seconds_total, and that of the whole process. Medians over the saves.", rate, value)},
		head: []string{"resident, GB", "observer", "saves", "one save, s", "sampling, % of a core", "whole process, % of a core", "reads of smaps a save", "of pages"},
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
			t.row(fmt.Sprintf("%.2f", float64(resident)/gb), o, strconv.Itoa(n), figure(s.seconds),
				figure(100*s.sampling), figure(100*s.process), figure(s.smapsRead), figure(s.pagesRead))
		}
		small, large := shares[sizes[0]], shares[sizes[len(sizes)-1]]
		if len(shares) == 2 && small.sampling > 0 && small.process > 0 {
			t.row("× "+figure(float64(sizes[1])/float64(sizes[0])), o, "", "",
				"× "+times(large.sampling/small.sampling), "× "+times(large.process/small.process), "", "")
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
		sampling = append(sampling, one.sampling.Seconds()/took)
		process = append(process, one.save.observerRan.Seconds()/took)
		smaps, pages = append(smaps, one.smapsRead), append(pages, one.pagesRead)
	}
	if len(seconds) == 0 {
		return s, 0
	}
	return sizeShare{median(seconds), median(sampling), median(process), median(smaps), median(pages)}, len(seconds)
}
