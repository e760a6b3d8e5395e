package words

import (
	"strconv"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// StallRate returns stall in milliseconds per GiB of resident memory, "" where one of
// them is not known: the one figure by which the stalls of servers of different size
// compare. It is per 2³⁰ bytes, as this rate is given elsewhere; sizes are decimal.
func StallRate(stall opt.Val[float64], resident opt.Val[uint64]) string {
	s, ok1 := stall.Get()
	r, ok2 := resident.Get()
	if !ok1 || !ok2 || r == 0 {
		return ""
	}
	ms := s * 1e3 / (float64(r) / (1 << 30))
	decimals := 1
	if ms >= 99.95 {
		decimals = 0
	}
	return strconv.FormatFloat(ms, 'f', decimals, 64)
}

// CopyShare returns the time that the copies of f took as a share of the child's life:
// "100 ms per second".
func CopyShare(f *fork.Record) string {
	s, ok1 := f.CopyStallSeconds.Get()
	life, ok2 := f.LifetimeSeconds.Get()
	if !ok1 || !ok2 || !(life > 0) {
		return ""
	}
	return Seconds(s/life) + " per second"
}

// CopyStalls returns how many times the stall the copies of f took: "85 × the stall".
func CopyStalls(f *fork.Record) string {
	s, ok1 := f.CopyStallSeconds.Get()
	stall, ok2 := f.StallSeconds.Get()
	if !ok1 || !ok2 || !(stall > 0) {
		return ""
	}
	times, decimals := s/stall, 1
	if times >= 9.95 {
		decimals = 0
	}
	return strconv.FormatFloat(times, 'f', decimals, 64) + " × the stall"
}
