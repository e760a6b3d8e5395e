package rig

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// Ratios returns what came out for one side of a comparison, by round, divided by
// what came out for the other, to, for the rounds in which both had a turn.
func Ratios(of, to map[int]float64) []float64 {
	var r []float64
	for _, round := range slices.Sorted(maps.Keys(of)) {
		if base, ok := to[round]; ok && base > 0 {
			r = append(r, of[round]/base)
		}
	}
	return r
}

// Ratio returns a cell with the median of ratios and its interval, drawn by rng.
func Ratio(values []float64, rng *rand.Rand) string {
	if len(values) == 0 {
		return "–"
	}
	text := Times(Median(values))
	switch i := Around(values, rng); {
	case len(values) == 1:
		text += " (1 round)"
	case i.Ranged:
		text += fmt.Sprintf(" (%s–%s, range of %d)", Times(i.Low), Times(i.High), len(values))
	default:
		text += fmt.Sprintf(" (%s–%s)", Times(i.Low), Times(i.High))
	}
	return text
}

// Times returns x, a ratio, with two decimals where they mean anything.
func Times(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.2f", x)
	}
}

// RatioNote returns what is to be said above ratios to something.
func RatioNote(to string) string {
	return fmt.Sprintf("Ratios are to %s of the same round: the median over the rounds, in brackets its bootstrap 95 %% interval (%d resamples). "+
		"Of fewer than six rounds it is their whole range, which covers the true median less often (5 rounds: 94 %%, 4: 88 %%, 3: 75 %%).", to, resamples)
}

// InOrder returns the values of rounds, in the order of the rounds.
func InOrder(of map[int]float64) []float64 {
	var v []float64
	for _, round := range slices.Sorted(maps.Keys(of)) {
		v = append(v, of[round])
	}
	return v
}
