package main

import (
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

func TestHighFell(t *testing.T) {
	h := high{1 << 30}
	for _, c := range []struct {
		resident uint64
		want     bool
	}{{1<<30 - 5<<20, false}, {1<<30 - 6<<20, true}, {2 << 30, false}, {2<<30 - 10<<20, false}, {2<<30 - 11<<20, true}} {
		if got := h.fell(c.resident); got != c.want {
			t.Errorf("%d MiB: fell %v, want %v", c.resident>>20, got, c.want)
		}
	}
}

func TestCompare(t *testing.T) {
	step := func(seconds float64, faults, residentPages uint64, system time.Duration, copies uint64, delay time.Duration) counters {
		return counters{
			at: at(seconds), faults: faults, resident: residentPages * 4096, system: system,
			copies: taskstats.Stats{CopyCount: copies, CopyDelay: delay},
		}
	}
	const ms = time.Millisecond
	// 10 ms a second, 50 ms for the fork and 20 µs a copy, of which the kernel
	// accounts 10; 100 faults are growth.
	steps := []counters{
		step(0, 1000, 5000, 0, 7, 0),
		step(1, 1000, 5000, 10*ms, 7, 0),
		step(2, 1000, 5000, 20*ms, 7, 0),
		step(3, 6100, 5100, 180*ms, 5007, 50*ms), // 10 + 50 + 5,000 × 20 µs
		step(4, 7100, 5100, 210*ms, 6007, 60*ms),
	}
	var r copyTime
	r.compare(steps, 2, 50*ms)
	want := copyTime{accounted: 60 * ms, copies: 6000, pages: 6000, beyond: 120 * ms}
	if r != want {
		t.Errorf("%+v, want %+v", r, want)
	}
}
