package redisinfo

import (
	"math"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// SavePoint is a condition under which a save is due: the last one is Seconds ago,
// and the data has changed Changes times since.
type SavePoint struct {
	Seconds int64
	Changes int64
}

// ParseSavePoints returns the longest of the save points in s, which is the value of
// CONFIG GET save: pairs of seconds and changes such as "3600 1 300 100". Of several
// with the longest time it is the one with the fewest changes: when that is due, a
// save is late by any account. It is absent when no save point is set, or when s is
// nothing of the kind.
func ParseSavePoints(s string) opt.Val[SavePoint] {
	fields := strings.Fields(s)
	if len(fields)%2 != 0 {
		return opt.Val[SavePoint]{}
	}
	var longest opt.Val[SavePoint]
	for i := 0; i < len(fields); i += 2 {
		sec, isTime := seconds([]byte(fields[i])).Get()
		changes, isCount := integer[int64]([]byte(fields[i+1]), 0, math.MaxInt64).Get()
		if !isTime || !isCount {
			return opt.Val[SavePoint]{}
		}
		p := SavePoint{sec, changes}
		if l, ok := longest.Get(); !ok || p.Seconds > l.Seconds || p.Seconds == l.Seconds && p.Changes < l.Changes {
			longest = opt.Of(p)
		}
	}
	return longest
}
