package watch

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
// Times come from the scheduler, to the nanosecond. The system time in stat would
// leave the clients' part out, but it has a grain of 10 ms and is found by sampling:
// in 30 saves it was up to four times as unsure.
type runTime struct {
	last                    reading
	t, p, pp, ran, pran, rr float64 // sums of products, each divided by the seconds
	steps, calm             int     // in all; before the fork
	seconds, pages          float64 // of the fork's steps
}

const (
	runStep = 500 * time.Millisecond // a step is at least so long
	// insideCopy is how much of what a copied page costs passes inside the copy,
	// which is what delay accounting counts. The rest is the fault around it, and
	// the caches that it leaves cold. In 23 saves in which copies took 2 to 3 µs it was
	// between 0.51 and 0.91: this is the middle.
	insideCopy = 0.7
	// calmSteps is how many steps without copies it takes.
	calmSteps = 2
	// fewCopies is how many pages say nothing.
	fewCopies = 2000
	// sureBy is how many of its standard errors a page's cost has to be. With 5, of
	// the estimates in 30 saves of many loads none was off by more than a factor 1.5.
	sureBy = 5
)

// newRunTime begins with what was read before a birth.
func newRunTime(quiet []reading, birth reading, page uint64) runTime {
	var r runTime
	for i := 1; i < len(quiet); i++ {
		if beyondGrowth(quiet[i-1], quiet[i], page) < calmFaults {
			r.step(quiet[i-1], quiet[i], page)
		}
	}
	r.calm, r.seconds, r.pages = r.steps, 0, 0
	r.last = birth
	return r
}

// add takes a reading with a child alive.
func (r *runTime) add(now reading, page uint64) {
	if now.at.Sub(r.last.at) >= runStep {
		r.step(r.last, now, page)
		r.last = now
	}
}

// beyondGrowth is how many faults there were that did not make the server grow.
func beyondGrowth(from, to reading, page uint64) float64 {
	faults := float64(to.faults - from.faults)
	return faults - min(float64(to.grown(from.resident)/page), faults)
}

// step adds a step: chance makes its running time differ the more the longer it is.
func (r *runTime) step(from, to reading, page uint64) {
	t := to.at.Sub(from.at).Seconds()
	before, ok1 := from.ran.Get()
	after, ok2 := to.ran.Get()
	if !ok1 || !ok2 || t <= 0 {
		return
	}
	ran := (after - before).Seconds()
	p := beyondGrowth(from, to, page)
	r.t += t
	r.p += p
	r.pp += p * p / t
	r.ran += ran
	r.pran += p * ran / t
	r.rr += ran * ran / t
	r.steps++
	r.seconds += t
	r.pages += p
}

// stall estimates how long so many copied pages took; false where that can't be told.
func (r *runTime) stall(pages float64) (seconds float64, ok bool) {
	independent := r.t*r.pp - r.p*r.p
	if r.calm < calmSteps || r.pages < fewCopies || r.seconds < 1 || independent <= 0 {
		return 0, false
	}
	perSecond := (r.pp*r.ran - r.p*r.pran) / independent
	perPage := (r.t*r.pran - r.p*r.ran) / independent
	unexplained := max(0, r.rr-perSecond*r.ran-perPage*r.pran) / float64(max(1, r.steps-2))
	if perPage <= sureBy*math.Sqrt(unexplained*r.t/independent) {
		return 0, false
	}
	return pages * perPage * insideCopy, true
}
