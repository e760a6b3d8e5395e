package chart

import (
	"math"
	"strconv"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// axis is how the numbers of one axis are written: in which unit, and where the ticks stand.
type axis struct {
	unit  string  // as in "MB"
	size  float64 // one unit, in the axis' base unit (bytes, seconds)
	step  float64 // between ticks, in base units
	ticks []float64
}

// label writes tick v in the axis' unit, with as many decimals as its step needs.
func (a axis) label(v float64) string {
	decimals := 0
	if step := a.step / a.size; step < 1 {
		decimals = int(math.Ceil(-math.Log10(step) - 1e-9))
	}
	if n := v / a.size; decimals == 0 && n >= 0 && n < 1e15 {
		return words.Count(uint64(math.Round(n)))
	}
	return strconv.FormatFloat(v/a.size, 'f', decimals, 64)
}

// byteAxis returns an axis from 0 to top bytes with about n ticks.
func byteAxis(top float64, n int) axis {
	a := axis{unit: "MB", size: 1e6}
	switch {
	case top < 2e3:
		a.unit, a.size = "bytes", 1
	case top < 1e6:
		a.unit, a.size = "kB", 1e3
	case top >= 10e12:
		a.unit, a.size = "TB", 1e12
	case top >= 10e9: // 10,000 MB and more are hard to read at a glance
		a.unit, a.size = "GB", 1e9
	}
	a.step = niceStep(top, n)
	a.ticks = ticks(top, a.step)
	return a
}

// timeAxis returns an axis from birth to top seconds with about n ticks.
func timeAxis(top float64, n int) axis {
	a := axis{unit: "seconds", size: 1}
	switch {
	case top < 1e-3:
		a.unit, a.size = "microseconds", 1e-6
	case top < 1:
		a.unit, a.size = "milliseconds", 1e-3
	case top >= 900: // a quarter of an hour
		a.unit, a.size = "minutes", 60
	}
	a.step = a.size * niceStep(top/a.size, n)
	a.ticks = ticks(top, a.step)
	return a
}

// niceStep returns the one of 1, 2, 5 × 10ᵏ that cuts top into about n parts.
func niceStep(top float64, n int) float64 {
	if !(top > 0) || n < 1 {
		return 1
	}
	raw := top / float64(n)
	mag := math.Pow(10, math.Floor(math.Log10(raw)))
	switch r := raw / mag; {
	case r < 1.5:
		return mag
	case r < 3.5:
		return 2 * mag
	case r < 7.5:
		return 5 * mag
	}
	return 10 * mag
}

func ticks(top, step float64) []float64 {
	var out []float64
	for i := 0; i < 100 && float64(i)*step <= top*(1+1e-9); i++ {
		out = append(out, float64(i)*step)
	}
	return out
}
