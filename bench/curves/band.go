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
// while it is read is uncertain by that much. Where two readings are further apart
// than burst, when it moved from the one to the other is not known: it may be anywhere between.
func spanAt(readings []truth, at time.Time, burst float64) (s span, known bool) {
	s = span{math.Inf(1), math.Inf(-1)}
	for _, when := range []func(truth) time.Time{
		func(t truth) time.Time { return t.from },
		func(t truth) time.Time { return t.to },
	} {
		a, b, share, ok := around(readings, at, when)
		if !ok {
			return s, false
		}
		if line := a + share*(b-a); math.Abs(b-a) <= burst {
			a, b = line, line
		}
		s = span{min(s.low, a, b), max(s.high, a, b)}
	}
	return s, true
}

// around are the values of the two readings around a moment, and which share of the
// way from the one to the other it is.
func around(readings []truth, at time.Time, when func(truth) time.Time) (a, b, share float64, known bool) {
	for i := 1; i < len(readings); i++ {
		a, b := readings[i-1], readings[i]
		if at.Before(when(a)) || at.After(when(b)) {
			continue
		}
		step := when(b).Sub(when(a))
		if step <= 0 {
			return a.value, b.value, 1, true
		}
		return a.value, b.value, float64(at.Sub(when(a))) / float64(step), true
	}
	return 0, 0, 0, false
}

// highest is the largest value.
func highest(readings []truth) float64 {
	most := 0.0
	for _, t := range readings {
		most = max(most, t.value)
	}
	return most
}
