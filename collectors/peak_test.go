package collectors

import "testing"

func TestPeakRatio(t *testing.T) {
	s := idle("s")
	for _, ratio := range []float64{.01, .4, 1.2, 2} {
		s.Totals.PeakRatio.Observe(ratio)
	}
	seriesOf(t, s).want(t, map[string]string{
		`private_dirty_peak_ratio_bucket{le="0.1"}`:  "1",
		`private_dirty_peak_ratio_bucket{le="0.25"}`: "1",
		`private_dirty_peak_ratio_bucket{le="0.5"}`:  "2",
		`private_dirty_peak_ratio_bucket{le="0.75"}`: "2",
		`private_dirty_peak_ratio_bucket{le="1"}`:    "2",
		`private_dirty_peak_ratio_bucket{le="+Inf"}`: "4",
		`private_dirty_peak_ratio_sum`:               "3.61",
	})
}
