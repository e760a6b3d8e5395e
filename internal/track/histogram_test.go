package track

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A value on a limit belongs to that limit's bucket, as in Prometheus' "le".
func TestHistogramEdges(t *testing.T) {
	for _, test := range []struct {
		value float64
		want  map[float64]uint64
	}{
		{-1, map[float64]uint64{1: 1, 2: 1, 5: 1}},
		{0, map[float64]uint64{1: 1, 2: 1, 5: 1}},
		{1, map[float64]uint64{1: 1, 2: 1, 5: 1}},
		{math.Nextafter(1, 2), map[float64]uint64{1: 0, 2: 1, 5: 1}},
		{2, map[float64]uint64{1: 0, 2: 1, 5: 1}},
		{5, map[float64]uint64{1: 0, 2: 0, 5: 1}},
		{math.Nextafter(5, 6), map[float64]uint64{1: 0, 2: 0, 5: 0}},
		{math.Inf(1), map[float64]uint64{1: 0, 2: 0, 5: 0}},
	} {
		h := NewHistogram(1, 2, 5)
		h.Observe(test.value)
		if diff := cmp.Diff(test.want, h.Cumulative()); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.value, diff)
		}
		if h.Count != 1 || h.Sum != test.value {
			t.Errorf("%v: count %d, sum %v", test.value, h.Count, h.Sum)
		}
	}
}

func TestHistogramClone(t *testing.T) {
	h := NewHistogram(1, 2)
	h.Observe(1)
	c := h.clone()
	h.Observe(1)
	c.Observe(2)
	c.Observe(9)
	if diff := cmp.Diff(map[float64]uint64{1: 2, 2: 2}, h.Cumulative()); diff != "" || h.Count != 2 || h.Sum != 2 {
		t.Errorf("the original knows of its copy: count %d, sum %v\n%s", h.Count, h.Sum, diff)
	}
	if diff := cmp.Diff(map[float64]uint64{1: 1, 2: 2}, c.Cumulative()); diff != "" || c.Count != 3 || c.Sum != 12 {
		t.Errorf("the copy knows of its original: count %d, sum %v\n%s", c.Count, c.Sum, diff)
	}
}

func TestLimitsAscend(t *testing.T) {
	for name, limits := range map[string][]float64{"stall": StallLimits, "peak ratio": PeakRatioLimits} {
		if sorted := slices.Compact(slices.Sorted(slices.Values(limits))); !slices.Equal(sorted, limits) {
			t.Errorf("%s: %v do not ascend", name, limits)
		}
	}
}
