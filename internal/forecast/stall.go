package forecast

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

const (
	// stalls is the number of past forks of which the slowest is expected again.
	stalls = 3
	// hugeWeight is what forking a huge page costs, as a share of what its pages cost
	// one by one.
	hugeWeight = 1. / 20
)

// stall returns how long the next fork(2) is expected to take: as long as the slowest
// of the last ones, of whatever kind, scaled with what has to be copied of the page
// tables. Their size says nothing of that: for huge pages the kernel keeps tables in
// reserve that it need not fill.
func stall(st *track.State) opt.Val[Stall] {
	size, ok := resident(st).Get()
	if !ok {
		return reportedStall(st)
	}
	out := Stall{Basis: BasisStalls}
	for i := range st.Recent {
		f := &st.Recent[i]
		took, ok1 := f.StallSeconds.Get()
		then, ok2 := f.ResidentBytes.Get()
		if !ok1 || !ok2 || then == 0 {
			continue
		}
		scale := forked(size, st.HugeBytes.Or(0)) / forked(then, f.AnonymousHugeBytes.Or(0))
		out.Seconds = max(out.Seconds, took*scale)
		if out.Forks++; out.Forks == stalls {
			break
		}
	}
	if out.Forks == 0 {
		return reportedStall(st)
	}
	return opt.Of(out)
}

// reportedStall returns the duration that INFO has of the last fork, which was before
// the exporter came.
func reportedStall(st *track.State) opt.Val[Stall] {
	info := current(st)
	if info == nil {
		return opt.Val[Stall]{}
	}
	took, ok := info.LatestFork.Get()
	if !ok {
		return opt.Val[Stall]{}
	}
	return opt.Of(Stall{Seconds: took.Seconds(), Basis: BasisReported})
}

// noStall returns why no forecast of the stall can be made for st.
func noStall(st *track.State) NoBasis {
	if len(st.Recent) == 0 {
		return NoForks
	}
	return NoDurations
}

// forked returns how many bytes a fork's duration grows with: of the resident ones the
// huge ones count little.
func forked(resident, huge uint64) float64 {
	huge = min(huge, resident)
	return float64(resident-huge) + hugeWeight*float64(huge)
}
