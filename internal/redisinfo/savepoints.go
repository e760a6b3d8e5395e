package redisinfo

import (
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// ParseSavePoints reads the value of CONFIG GET save, pairs of seconds and
// changes such as "3600 1 300 100", and returns the longest time in seconds:
// after that long without a save a single change is enough to expect one. It
// is absent when no save point is set, or when the value is nothing of the kind.
func ParseSavePoints(s string) opt.Val[int64] {
	fields := strings.Fields(s)
	if len(fields)%2 != 0 {
		return opt.Val[int64]{}
	}
	var longest opt.Val[int64]
	for i := 0; i < len(fields); i += 2 {
		sec, ok := seconds([]byte(fields[i])).Get()
		if _, changes := digits([]byte(fields[i+1])); !ok || !changes {
			return opt.Val[int64]{}
		}
		longest = opt.Of(max(sec, longest.Or(0)))
	}
	return longest
}
