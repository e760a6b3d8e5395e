package main

import (
	"math"
	"time"
)

// truth is one reading of what a curve is held to. It was taken between two
// moments, and is right for some moment between them.
type truth struct {
	from, to time.Time
	value    float64
}

// span is where a value may be.
type span struct{ low, high float64 }

// off is how far a value is outside of the span.
func (s span) off(v float64) float64 { return max(0, s.low-v, v-s.high) }

// spanAt is what the readings, ascending in time, say of a moment between the
// first and the last of them: it lies between the line through the readings as if
// each were right for its beginning and the line as if for its end. What moves
// while it is read is uncertain by that much.
func spanAt(readings []truth, at time.Time) (span, bool) {
	early, ok1 := lineAt(readings, at, func(t truth) time.Time { return t.from })
	late, ok2 := lineAt(readings, at, func(t truth) time.Time { return t.to })
	return span{min(early, late), max(early, late)}, ok1 && ok2
}

// lineAt is the straight line between the two readings around a moment.
func lineAt(readings []truth, at time.Time, when func(truth) time.Time) (float64, bool) {
	for i := 1; i < len(readings); i++ {
		a, b := readings[i-1], readings[i]
		if at.Before(when(a)) || at.After(when(b)) {
			continue
		}
		step := when(b).Sub(when(a))
		if step <= 0 {
			return b.value, true
		}
		share := float64(at.Sub(when(a))) / float64(step)
		return a.value + share*(b.value-a.value), true
	}
	return math.NaN(), false
}

// highest is the largest value.
func highest(readings []truth) float64 {
	most := 0.0
	for _, t := range readings {
		most = max(most, t.value)
	}
	return most
}
