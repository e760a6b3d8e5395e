package track

// The upper limits of the histograms' buckets, ascending. Forks are rare events,
// for which quantiles over buckets say little and counts over a limit are exact:
// so each limit that people alert on is a bucket's boundary.
//
// They are variables only because Go has no constant slices: nobody may write
// to them.
var (
	// StallLimits are seconds of fork(2): from 100 µs, a small server or one with
	// huge pages, to 25 s, hundreds of GB on an old hypervisor.
	StallLimits = []float64{
		.0001, .00025, .0005,
		.001, .0025, .005,
		.01, .025, .05,
		.1, .25, .5,
		1, 2.5, 5,
		10, 25,
	}
	// PeakRatioLimits are a child's highest private dirty memory divided by the
	// server's resident memory at the fork. The ratio can exceed 1: what the
	// server frees while the child lives becomes the child's alone, and the server
	// may have grown meanwhile.
	PeakRatioLimits = []float64{.1, .25, .5, .75, 1}
)
