package collectors

import "testing"

func TestStall(t *testing.T) {
	s := idle("s")
	for _, seconds := range []float64{.00005, .0001, .3, .5, 30} {
		s.Totals.Stall.Observe(seconds)
	}
	s.Totals.ForkedBytes = 5 * gib
	seriesOf(t, s).want(t, map[string]string{
		`stall_seconds_bucket{le="0.0001"}`: "2", // a limit belongs to its bucket
		`stall_seconds_bucket{le="0.25"}`:   "2",
		`stall_seconds_bucket{le="0.5"}`:    "4",
		`stall_seconds_bucket{le="25.0"}`:   "",
		`stall_seconds_bucket{le="25"}`:     "4",
		`stall_seconds_bucket{le="+Inf"}`:   "5",
		`stall_seconds_count`:               "5",
		`stall_seconds_sum`:                 "30.80015",
		`stall_resident_bytes_total`:        "5.36870912e+09",
	})
}

func TestForkedBytesNeedAProcess(t *testing.T) {
	s := noProcess("s")
	got := seriesOf(t, s)
	got.want(t, map[string]string{`stall_seconds_count`: "1"})
	got.none(t, "stall_resident_bytes_total")

	s.Totals.ForkedBytes = 1 * gib // there was a process once
	seriesOf(t, s).want(t, map[string]string{`stall_resident_bytes_total`: "1.073741824e+09"})

	seriesOf(t, idle("s")).want(t, map[string]string{`stall_resident_bytes_total`: "0"})
}
