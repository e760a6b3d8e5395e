package main

import (
	"testing"
	"time"
)

func at(seconds float64) time.Time {
	return time.Unix(1000, 0).Add(time.Duration(seconds * float64(time.Second)))
}

func TestSpanAt(t *testing.T) {
	// Each read took 0.2 s; the value rises to 100, falls and stays.
	readings := []truth{
		{at(0), at(0), 0},
		{at(1), at(1.2), 100},
		{at(2), at(2.2), 40},
		{at(3), at(3.2), 40},
	}
	for _, c := range []struct {
		at        float64
		low, high float64
	}{
		{0, 0, 0},
		{0.6, 50, 60}, // half-way to the reading's end, 0.6 of the way to its beginning
		{1.1, 550 / 6., 94},
		{2.1, 40, 46}, // 0.9 of the way between the ends
		{3, 40, 40},
	} {
		got, ok := spanAt(readings, at(c.at), 100)
		if !ok || !near(got.low, c.low) || !near(got.high, c.high) {
			t.Errorf("at %.1f s: %v, %v; want %v to %v", c.at, got, ok, c.low, c.high)
		}
	}
	for _, outside := range []float64{-0.1, 3.1} {
		if got, ok := spanAt(readings, at(outside), 100); ok {
			t.Errorf("at %.1f s, where nothing was read: %v", outside, got)
		}
	}
}

// What rises by more than a burst between two readings may be at both of them.
func TestSpanInABurst(t *testing.T) {
	readings := []truth{{at(0), at(0), 0}, {at(1), at(1.2), 100}, {at(2), at(2.2), 110}}
	for moment, want := range map[float64]span{0.5: {0, 100}, 1.1: {0, 101}, 1.6: {104, 106}} {
		if got, ok := spanAt(readings, at(moment), 50); !ok || !near(got.low, want.low) || !near(got.high, want.high) {
			t.Errorf("at %.1f s: %v, %v; want %v", moment, got, ok, want)
		}
	}
}

func TestOff(t *testing.T) {
	s := span{10, 20}
	for v, want := range map[float64]float64{8: 2, 10: 0, 15: 0, 20: 0, 23: 3} {
		if got := s.off(v); got != want {
			t.Errorf("%v is off by %v, want %v", v, got, want)
		}
	}
}

func near(a, b float64) bool { return a-b < 1e-6 && b-a < 1e-6 }
