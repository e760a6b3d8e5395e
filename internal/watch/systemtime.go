package watch

import "time"

// systemTime tells what a copied page costs the server in system time, without
// any right: the server's system time is so much per second, for its clients, and
// so much per page copied, and over steps in which the two differ both can be
// told apart, by least squares. The seconds before a fork, with no copies, are
// such steps, unless they have faults of another kind: the tail of the fork before.
// Without any, it can't be told: a server that is busy all the time has the less time
// for its clients the more it copies (measured: 0.2 to 1.05 of the truth).
type systemTime struct {
	last                   reading
	tt, tp, pp, tsys, psys float64 // sums of products: seconds, pages, system time
	seconds, pages         float64 // of the fork's steps
	calm                   int     // steps before it
}

const (
	// systemStep is how long a step is at least: system time has a grain of 10 ms.
	systemStep = 500 * time.Millisecond
	// insideCopy is how much of what a copied page costs passes inside the copy,
	// which is what delay accounting counts. The rest is the fault around it.
	// Measured over 50 saves, it is between 0.61 and 1.25 of what least squares say:
	// this is the middle.
	insideCopy = 0.85
	// calmSteps is how many steps without copies it takes.
	calmSteps = 2
	// fewCopies is how many pages say nothing.
	fewCopies = 2000
)

// newSystemTime begins with what was read before a birth.
func newSystemTime(quiet []reading, birth reading, page uint64) systemTime {
	var s systemTime
	for i := 1; i < len(quiet); i++ {
		if beyondGrowth(quiet[i-1], quiet[i], page) < calmFaults {
			s.calm++
			s.step(quiet[i-1], quiet[i], page)
		}
	}
	s.seconds, s.pages = 0, 0
	s.last = birth
	return s
}

// add takes a reading with a child alive.
func (s *systemTime) add(r reading, page uint64) {
	if r.at.Sub(s.last.at) >= systemStep {
		s.step(s.last, r, page)
		s.last = r
	}
}

// beyondGrowth is how many faults there were that did not make the server grow.
func beyondGrowth(from, to reading, page uint64) float64 {
	faults := float64(to.faults - from.faults)
	return faults - min(float64(to.grown(from.resident)/page), faults)
}

func (s *systemTime) step(from, to reading, page uint64) {
	t := to.at.Sub(from.at).Seconds()
	sys := (to.system - from.system).Seconds()
	p := beyondGrowth(from, to, page)
	s.tt += t * t
	s.tp += t * p
	s.pp += p * p
	s.tsys += t * sys
	s.psys += p * sys
	s.seconds += t
	s.pages += p
}

// stall estimates how long so many copied pages took; false where that can't be told.
func (s *systemTime) stall(pages float64) (seconds float64, ok bool) {
	independent := s.tt*s.pp - s.tp*s.tp
	if s.calm < calmSteps || s.pages < fewCopies || s.seconds < 1 || independent <= s.tt*s.pp/1000 {
		return 0, false
	}
	perPage := (s.psys*s.tt - s.tsys*s.tp) / independent
	if perPage <= 0 {
		return 0, false
	}
	return pages * perPage * insideCopy, true
}
