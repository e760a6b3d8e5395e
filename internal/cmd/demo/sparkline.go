package main

import (
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// Size of the curve in the terminal.
const (
	sparkWidth = 24  // characters at most
	sparkLeast = 0.1 // seconds per character at least: there is no point more often
	sparkGap   = 1.0 // seconds without a point that show as a gap
)

// sparkline draws a curve from its first point to its last. Each character is
// one stretch of time and as high as the highest point in it; where points are
// missing for long there is nothing.
func sparkline(curve []fork.Point) string {
	if len(curve) == 0 {
		return ""
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	from, to := curve[0].Seconds, max(curve[0].Seconds, curve[len(curve)-1].Seconds)
	each := max((to-from)/sparkWidth, sparkLeast)
	width := min(sparkWidth, 1+int((to-from)/each+1e-9))
	line := []rune(strings.Repeat(" ", width))
	high := make([]uint64, width)
	var top uint64 = 1
	for _, p := range curve {
		top = max(top, p.PrivateDirty)
	}
	set := func(i int, v uint64) {
		high[i] = max(high[i], v)
		line[i] = bars[int(float64(high[i])/float64(top)*float64(len(bars)-1))]
	}
	last := 0
	for n, p := range curve {
		i := min(int(max(0, p.Seconds-from)/each+1e-9), width-1)
		if n > 0 && p.Seconds-curve[n-1].Seconds <= sparkGap {
			for between := last + 1; between < i; between++ {
				set(between, curve[n-1].PrivateDirty)
			}
		}
		set(i, p.PrivateDirty)
		last = i
	}
	return string(line)
}
