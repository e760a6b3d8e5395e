package rig

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestQuantile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for _, c := range []struct {
		values []int
		q      float64
		want   int
	}{
		{[]int{7}, 0, 7},
		{[]int{7}, 0.5, 7},
		{[]int{7}, 1, 7},
		{[]int{1, 2}, 0.5, 1},
		{[]int{1, 2}, 0.51, 2},
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 0.999, 100},
		{hundred, 1, 100},
	} {
		if got := Quantile(c.values, c.q); got != c.want {
			t.Errorf("quantile %v of %d values: %d, want %d", c.q, len(c.values), got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	unsorted := []float64{9, 1, 5, 3}
	if got := Median(unsorted); got != 4 {
		t.Errorf("median of four: %v", got)
	}
	if unsorted[0] != 9 {
		t.Error("the values were sorted in place")
	}
	if got := Median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("median of three: %v", got)
	}
	if got := Median(nil); !math.IsNaN(got) {
		t.Errorf("median of none: %v", got)
	}
}

func TestIntervalOfFew(t *testing.T) {
	got := Around([]float64{3, 1, 2}, rand.New(rand.NewPCG(1, 1)))
	if got != (Interval{1, 3, true}) {
		t.Errorf("%+v", got)
	}
}

// The interval has to do what it says: contain the true median of what the values
// were drawn from in about 95 % of cases, and get narrower with more values.
func TestIntervalCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const cases = 60
	width := map[int]float64{}
	for _, n := range []int{9, 36} {
		covered := 0
		for range cases {
			values := make([]float64, n)
			for i := range values {
				values[i] = math.Exp(rng.NormFloat64()) // skewed, with the median 1
			}
			i := Around(values, rng)
			if i.Low > i.High || i.Ranged {
				t.Fatalf("%+v", i)
			}
			width[n] += i.High - i.Low
			if i.Low <= 1 && 1 <= i.High {
				covered++
			}
		}
		if share := float64(covered) / cases; share < 0.85 {
			t.Errorf("of %d values the interval covers the median in %.0f %% of cases", n, 100*share)
		}
	}
	if width[36] > width[9]/1.3 {
		t.Errorf("four times the values, and the interval is %.2f of what it was", width[36]/width[9])
	}
}
