package watch

import (
	"math"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// sweep estimates how many of a child's pages are private from a few that are
// read at a time. Each place has what was found there last, plus what has come
// since at the rate at which pages elsewhere have changed lately: at first that
// is a random sample, and after a round over all places only what is newer than
// a place's last reading is estimated. At the birth no page is private.
//
// The rate is per page that may still change: pages that become private leave
// the fewer to become so, and the curve flattens.
//
// Time is in seconds since the birth.
type sweep struct {
	weight  float64 // places that each stands for
	private []uint8 // per place, what was found last
	batches []batch // the places that are read together
	turn    int     // the batch that is read next
	squares float64 // sum of private²

	recent [sweepRecent]change
	next   int
}

// sweepRecent is how many reads the rate is taken from: enough to be steady, few
// enough to follow a change of the load.
const sweepRecent = 8

// batch are places that were read at the same time.
type batch struct {
	at      float64
	places  float64
	private float64 // pages found, over all places
	shared  float64
}

// change is what has changed at the places of one read since they were read before.
type change struct {
	places  float64
	seconds float64 // sum over the places
	pages   float64 // that became private, less those that ceased to be
	shared  float64 // pages that might have become private, times seconds
	private float64 // pages that might have ceased to be, times seconds
	spread  float64 // sum of pages²/seconds: how unevenly places have changed
}

// newSweep begins at a birth. Places are read in their order, so many at once.
func newSweep(places, atOnce int, weight float64) *sweep {
	s := &sweep{weight: weight, private: make([]uint8, places)}
	for ; places > 0; places -= atOnce {
		s.batches = append(s.batches, batch{places: float64(min(places, atOnce))})
	}
	return s
}

// take adds what was found now: one batch, the one after that of the last call.
func (s *sweep) take(now float64, reads []proc.PlaceRead) {
	b := &s.batches[s.turn]
	s.turn = (s.turn + 1) % len(s.batches)
	since := now - b.at
	if since <= 0 {
		return
	}
	c := change{places: b.places, seconds: b.places * since}
	b.at, b.shared = now, 0
	for _, r := range reads {
		was, is := float64(s.private[r.Place]), float64(r.Private)
		c.pages += is - was
		c.spread += (is - was) * (is - was) / since
		s.squares += is*is - was*was
		b.private += is - was
		b.shared += float64(r.Shared)
		s.private[r.Place] = uint8(r.Private)
	}
	c.shared = logMean(b.shared, b.shared+max(0, c.pages)) * since
	c.private = logMean(b.private, b.private+max(0, -c.pages)) * since
	s.recent[s.next] = c
	s.next = (s.next + 1) % sweepRecent
}

// estimate is how many pages are private now, and how far that may be off: three
// times its standard error, and a twentieth of what has come since the places
// were read, for a rate that does not stay as it is. It takes places to change
// independently of each other: values much larger than a place make the error
// larger than it says.
func (s *sweep) estimate(now float64) (pages, off float64) {
	var sum change
	for _, c := range s.recent {
		sum.places += c.places
		sum.seconds += c.seconds
		sum.pages += c.pages
		sum.shared += c.shared
		sum.private += c.private
		sum.spread += c.spread
	}
	if sum.seconds <= 0 {
		return 0, math.Inf(1)
	}
	var found, read, resident float64
	for _, b := range s.batches {
		if b.at > 0 {
			found, read, resident = found+b.private, read+b.places, resident+b.private+b.shared
		}
	}
	var old float64 // seconds since places were read, over all places
	for _, b := range s.batches {
		if b.at == 0 { // not read yet, and all of it shared at the birth
			b.shared = resident / read * b.places
		}
		age := now - b.at
		old += b.places * age
		if sum.pages >= 0 {
			pages += b.private + b.shared*-math.Expm1(-age*sum.pages/max(1, sum.shared))
		} else {
			pages += b.private * math.Exp(age*sum.pages/max(1, sum.private))
		}
	}
	// A place's change in t seconds varies by variance·t around what is expected.
	// One page more than was seen is counted in: nothing seen is not nothing there.
	variance := max(0, (sum.spread+sum.places/sum.seconds-sum.pages*sum.pages/sum.seconds)/sum.places)
	stale := variance * (old + old*old/sum.seconds)
	sampled := (1 - 1/s.weight) * (s.squares - found*found/read)
	guessed := math.Abs(pages - found)
	return s.weight * pages, s.weight * (3*math.Sqrt(stale+max(0, sampled)) + guessed/20)
}

// logMean is the mean of what fades from b to a at a constant rate.
func logMean(a, b float64) float64 {
	if b-a < a/1000 || a <= 0 {
		return (a + b) / 2
	}
	return (b - a) / math.Log(b/a)
}
