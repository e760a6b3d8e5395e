package main

import (
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
)

// Size of the curve in the terminal.
const (
	sparkWidth = 24  // characters at most
	sparkLeast = 0.1 // seconds per character at least: there is no point more often
)

// sparkline draws a curve from its first point to its last. Each character is
// one stretch of time and as high as the highest point in it; where there is no
// point there is nothing.
func sparkline(curve []history.Point) string {
	if len(curve) == 0 {
		return ""
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	from, to := curve[0].Seconds, curve[len(curve)-1].Seconds
	each := max((to-from)/sparkWidth, sparkLeast)
	width := min(sparkWidth, 1+int((to-from)/each))
	line := []rune(strings.Repeat(" ", width))
	high := make([]uint64, width)
	var top uint64 = 1
	for _, p := range curve {
		top = max(top, p.PrivateDirty)
	}
	for _, p := range curve {
		i := min(int(max(0, p.Seconds-from)/each), width-1)
		high[i] = max(high[i], p.PrivateDirty)
		line[i] = bars[int(float64(high[i])/float64(top)*float64(len(bars)-1))]
	}
	return string(line)
}
