package child

import (
	"math"
	"time"
)

// runTime tells what a copied page costs the server, without any right: the thread
// that serves the clients runs so long per second for them, and so long per page
// copied, and over steps in which the two differ both can be told apart, by least
// squares. The seconds before a fork, with no copies, are such steps, unless they have
// faults of another kind: the tail of the fork before. Without any, it can't be told:
// a server that is busy all the time has the less time for its clients the more it
// copies.
//
// That takes clients who want as much all the time, and pages that all cost the same,
// which they don't where the machine's free memory is now dear and now cheap. So it is
// believed only if the thread's time beyond what it ran a second before the fork says
// the same. What neither shows is a load that rises with the fork and stays, while as
// many pages are copied in each second.
//
// Times come from the scheduler, to the nanosecond. The system time in stat would
// leave the clients' part out, but it has a grain of 10 ms and is found by sampling:
// in 30 saves the standard error of a page's cost was 0.5 to 5.5 times as large by it,
// 2.2 times in the middle.
type runTime struct {
	last   Reading
	sums        // of all steps
	before sums // of those before the fork
}

// sums are what least squares take of steps: seconds, pages and running time, and
// their products, each divided by the step's seconds.
type sums struct {
	t, p, pp, ran, pran, rr float64
	steps                   int
}

const (
	runStep = 500 * time.Millisecond // a step is at least so long
	// insideCopy is how much of what a copied page costs passes inside the copy,
	// which is what delay accounting counts. The rest is the fault around it, and
	// the caches that it leaves cold. In 24 saves in which copies took 2 to 3 µs it was
	// between 0.51 and 0.92: this is the middle.
	insideCopy = 0.7
	// calmSteps is how many steps without copies it takes.
	calmSteps = 2
	// fewCopies is how many pages say nothing.
	fewCopies = 2000
	// sureBy is how many of its standard errors a page's cost has to be, and alike how
	// far apart the two ways may be. Of 60 saves under five loads, so 24 have an
	// estimate, and none of these is off by more than a factor of 1.4.
	sureBy = 5
	alike  = 4. / 3
)

// newRunTime begins with the readings before a birth (idle) and at it. page is the size of a page.
func newRunTime(idle []Reading, birth Reading, page uint64) runTime {
	var r runTime
	for i := 1; i < len(idle); i++ {
		if idle[i].beyondGrowth(idle[i-1], page) < calmFaults {
			r.step(idle[i-1], idle[i], page)
		}
	}
	r.before, r.last = r.sums, birth
	return r
}

// add takes now, a reading with a child alive.
func (r *runTime) add(now Reading, page uint64) {
	if now.at.Sub(r.last.at) >= runStep {
		r.step(r.last, now, page)
		r.last = now
	}
}

// step adds the time between two readings: chance makes its running time differ the more
// the longer it is. A step without a running time is left out.
func (s *sums) step(from, to Reading, page uint64) {
	t := to.at.Sub(from.at).Seconds()
	before, ok1 := from.ran.Get()
	after, ok2 := to.ran.Get()
	if !ok1 || !ok2 || t <= 0 {
		return
	}
	ran := (after - before).Seconds()
	p := float64(to.beyondGrowth(from, page))
	s.t += t
	s.p += p
	s.pp += p * p / t
	s.ran += ran
	s.pran += p * ran / t
	s.rr += ran * ran / t
	s.steps++
}

// calm reports whether there was something before the fork to compare it with.
func (r *runTime) calm() bool { return r.before.steps >= calmSteps }

// stall returns an estimate of how many seconds the copies of that many pages took; false
// where it can't be told.
func (r *runTime) stall(pages float64) (seconds float64, ok bool) {
	t, p := r.t-r.before.t, r.p-r.before.p // of the fork
	independent := r.t*r.pp - r.p*r.p
	if !r.calm() || p < fewCopies || t < 1 || independent <= 0 {
		return 0, false
	}
	perSecond := (r.pp*r.ran - r.p*r.pran) / independent
	perPage := (r.t*r.pran - r.p*r.ran) / independent
	unexplained := max(0, r.rr-perSecond*r.ran-perPage*r.pran) / float64(max(1, r.steps-2))
	if perPage <= sureBy*math.Sqrt(unexplained*r.t/independent) {
		return 0, false
	}
	beyond := r.ran - r.before.ran - r.before.ran/r.before.t*t
	if copying := perPage * p; beyond > copying*alike || beyond < copying/alike {
		return 0, false
	}
	return pages * perPage * insideCopy, true
}
