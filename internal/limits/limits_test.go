package limits

import (
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func TestPasses(t *testing.T) {
	strict := Limits{Commit: opt.Of(uint64(100))}
	heuristic := Limits{Mapping: opt.Of(uint64(100))}
	for _, test := range []struct {
		limits Limits
		c      Committed
		want   bool
	}{
		{Limits{}, Committed{Bytes: 1 << 60, Largest: 1 << 60}, true}, // mode 1
		{strict, Committed{Bytes: 99}, true},
		{strict, Committed{Bytes: 100}, false},
		{Limits{Commit: opt.Of(uint64(0)), ReturnedTasks: 1}, Committed{Bytes: 100}, false},
		{Limits{Commit: opt.Of(uint64(1)), ReturnedTasks: 1}, Committed{Bytes: 100}, true},
		{heuristic, Committed{Bytes: 1000, Largest: 100}, true},
		{heuristic, Committed{Bytes: 1000, Largest: 101}, false},
	} {
		if got := test.limits.Passes(test.c); got != test.want {
			t.Errorf("%+v in %+v passes: %t", test.c, test.limits, got)
		}
	}
}
