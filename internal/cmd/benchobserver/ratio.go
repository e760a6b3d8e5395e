package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// ratios are what came out for one side of a comparison, divided by what came out
// for the other in the same round, for the rounds in which both had a turn.
func ratios(of, to map[int]float64) []float64 {
	var r []float64
	for _, round := range slices.Sorted(maps.Keys(of)) {
		if base, ok := to[round]; ok && base > 0 {
			r = append(r, of[round]/base)
		}
	}
	return r
}

// ratio shows the median of ratios with its interval.
func ratio(values []float64, rng *rand.Rand) string {
	if len(values) == 0 {
		return "–"
	}
	text := times(median(values))
	switch i := around(values, rng); {
	case len(values) == 1:
		text += " (1 round)"
	case i.ranged:
		text += fmt.Sprintf(" (%s–%s, range of %d)", times(i.low), times(i.high), len(values))
	default:
		text += fmt.Sprintf(" (%s–%s)", times(i.low), times(i.high))
	}
	return text
}

// times shows a ratio: two decimals, where they mean anything.
func times(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.2f", x)
	}
}

// ratioNote says what ratios to something, and their intervals, are.
func ratioNote(to string) string {
	return fmt.Sprintf("Ratios are to %s of the same round: the median over the rounds, in brackets its bootstrap 95 %% interval (%d resamples). "+
		"Of fewer than six rounds it is their whole range, which covers the true median less often (5 rounds: 94 %%, 4: 88 %%, 3: 75 %%).", to, resamples)
}

// inOrder are the values of rounds.
func inOrder(of map[int]float64) []float64 {
	var v []float64
	for _, round := range slices.Sorted(maps.Keys(of)) {
		v = append(v, of[round])
	}
	return v
}
