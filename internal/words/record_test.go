package words_test

import (
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

func TestTail(t *testing.T) {
	for want, tail := range map[string]fork.Tail{
		"8.30 s":                           {Seconds: 8.3},
		"8.30 s, cut off by the next fork": {Seconds: 8.3, Truncated: true},
		"given up after 60 s":              {Seconds: 60.01, Truncated: true},
		"1 min 00 s":                       {Seconds: 60},
		"850 µs, cut off by the next fork": {Seconds: 0.00085, Truncated: true},
	} {
		if got := words.Tail(tail); got != want {
			t.Errorf("%+v: %q, want %q", tail, got, want)
		}
	}
}
