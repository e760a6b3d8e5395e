package collectors

import "testing"

func TestPeakRatio(t *testing.T) {
	s := idle("s")
	for _, ratio := range []float64{.01, .4, 1.2, 2} {
		s.Totals.PeakRatio.Observe(ratio)
	}
	seriesOf(t, s).want(t, map[string]string{
		`cow_peak_ratio_bucket{le="0.01"}`: "1",
		`cow_peak_ratio_bucket{le="0.5"}`:  "2",
		`cow_peak_ratio_bucket{le="1"}`:    "2",
		`cow_peak_ratio_bucket{le="1.5"}`:  "3",
		`cow_peak_ratio_bucket{le="+Inf"}`: "4",
		`cow_peak_ratio_sum`:               "3.61",
	})
}
