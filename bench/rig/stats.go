package rig

import (
	"math"
	"math/rand/v2"
	"slices"
)

const (
	resamples = 2000
	// fewest is how many values a bootstrap interval needs: of five or less no
	// interval covers the median in 95 % of cases, not even their whole range.
	fewest = 6
)

// Quantile returns the smallest value that a share q of the values does not exceed;
// sorted must not be empty.
func Quantile[T any](sorted []T, q float64) T {
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Median returns the middle value, or the mean of the two in the middle; NaN of none.
func Median(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return middle(sorted)
}

func middle(sorted []float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Interval is where the median of values is likely to be.
type Interval struct {
	Low, High float64
	// Ranged says that there are too few values for more than their range. It
	// covers the median in a share 1-2^(1-n) of cases.
	Ranged bool
}

// Around returns the 95 % interval of the median of values, by the bootstrap: medians
// of as many values drawn from them by rng with replacement, without the outer 2.5 %
// on either side; of fewer than six values their range. values must not be empty.
func Around(values []float64, rng *rand.Rand) Interval {
	if len(values) < fewest {
		return Interval{slices.Min(values), slices.Max(values), true}
	}
	medians := make([]float64, resamples)
	drawn := make([]float64, len(values))
	for i := range medians {
		for j := range drawn {
			drawn[j] = values[rng.IntN(len(values))]
		}
		slices.Sort(drawn)
		medians[i] = middle(drawn)
	}
	slices.Sort(medians)
	return Interval{Low: Quantile(medians, 0.025), High: Quantile(medians, 0.975)}
}
