package child

import (
	"math"
	"math/bits"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// sweep estimates which share of a child's resident pages is private from a few
// that are read at a time. Each place has what was found there last, plus what
// has come since at the rate at which pages elsewhere have changed lately: at
// first that is a random sample, and after a round over all places only what is
// newer than a place's last reading is estimated. At the birth no page is private.
//
// It is a share because the child gives pages back, and how many it has left is
// known at any moment. Private ones need not go as fast as shared ones: memory that
// the server had freed before the fork becomes private when it gives it back, and
// belongs to no key that the child could come to. So how fast they go is measured
// too, by the pages that were there and are no more. And time is the server's work
// (meter.work), not the clock: loads come in bursts, and so does freed memory;
// measured in work the rate at which shared pages become private stays much the
// same. It is near 1 where the server writes to and frees its memory evenly.
type sweep struct {
	weight  float64          // places that each stands for
	found   []proc.PlaceRead // what was found at each place last
	batches []batch          // the places that are read together
	turn    int              // the batch that is read next
	squares float64          // sum of private pages²
	least   float64          // work that is too little to divide by

	recent [sweepRecent]change
	next   int

	// What smaps said last, as a share, and when, and how many places were read
	// since. It is the better beginning until all were.
	exact      float64
	exactAt    float64
	exactChild float64 // resident pages of the whole child then; 0: no such reading
	since      int
}

// sweepRecent is how many reads the rate is taken from: enough to be steady, few
// enough to follow a change of the load.
const sweepRecent = 16

// usualPages is how many pages count as if they had been seen to become private
// evenly with the server's work, and to go as fast as shared ones: before enough
// were seen, that is the guess.
const usualPages = 64

// batch are places that were read at the same time.
type batch struct {
	places          float64
	read            bool    // not only at the birth
	at              float64 // the work then
	child           float64 // resident pages of the whole child then
	private, shared float64 // found, over all places
}

// change is what has changed at the places of one read since they were read before.
type change struct {
	places float64
	work   float64 // sum over the places
	pages  float64 // that became private
	shared float64 // that might have, times work
	spread float64 // sum of pages²/work: how unevenly places have changed

	private, others survivors
}

// survivors are pages that had been there, and those of them that still were.
type survivors struct{ had, kept float64 }

func (s *survivors) add(had, kept float64) { s.had, s.kept = s.had+had, s.kept+kept }

// newSweep returns a sweep that begins at a birth, when the child had child resident pages.
// The places are read in their order, atOnce of them at a time; each stands for weight places.
func newSweep(places, atOnce int, weight, child float64) *sweep {
	child = max(child, 1)
	s := &sweep{weight: weight, least: 1 / child, found: make([]proc.PlaceRead, places)}
	for ; places > 0; places -= atOnce {
		s.batches = append(s.batches, batch{places: float64(min(places, atOnce)), child: child})
	}
	return s
}

// take adds what was found now (reads): one batch, the one after that of the last call. work
// is the server's work so far, child how many resident pages the child has.
func (s *sweep) take(work, child float64, reads []proc.PlaceRead) {
	child = max(child, 1)
	b := &s.batches[s.turn]
	s.turn = (s.turn + 1) % len(s.batches)
	s.since += len(reads)
	passed := max(work-b.at, s.least)
	c := change{places: b.places, work: b.places * passed}
	shared, first := b.shared, !b.read
	*b = batch{places: b.places, read: true, at: work, child: child}
	for _, r := range reads {
		was := s.found[r.Place]
		private, before := count(r.Private), count(was.Private)
		gained := count(r.Private &^ was.Private)
		c.pages += gained
		c.spread += gained * gained / passed
		wasShared := was.Resident &^ was.Private
		c.private.add(before, count(was.Private&r.Resident))
		c.others.add(count(wasShared), count(wasShared&r.Resident))
		s.squares += private*private - before*before
		b.private += private
		b.shared += count(r.Resident &^ r.Private)
		s.found[r.Place] = r
	}
	if first { // at the birth: what the child has given back since is not known to be of this place
		shared = b.shared + c.pages
	}
	c.shared = logMean(b.shared, max(b.shared, shared)) * passed
	s.recent[s.next] = c
	s.next = (s.next + 1) % sweepRecent
}

// anchor takes how many of the child's resident pages are private by smaps (pages). work
// and child are as in take.
func (s *sweep) anchor(work, child, pages float64) {
	child = max(child, 1)
	s.exact, s.exactAt, s.exactChild, s.since = pages/child, work, child, 0
}

// estimate returns how many of the child's resident pages are private now, and how far
// that may be off. The error is three standard errors plus half of what is guessed to have
// come and gone, as rates do not stay as they are; all of it where nothing was seen to
// become private yet. How fast private pages go is the least steady: if more of them would
// be gone had they gone as fast as shared ones, that number counts as guessed. The formula
// takes the places to change independently of each other: values much larger than a place
// make the error larger than it says. work and child are as in take.
func (s *sweep) estimate(work, child float64) (pages, off float64) {
	var rate change
	for _, c := range s.recent {
		rate.add(c)
	}
	if rate.work <= 0 || child <= 0 {
		return 0, math.Inf(1)
	}
	var read, remain float64 // places, pages there as shares of the whole child
	for _, b := range s.batches {
		if b.read {
			read, remain = read+b.places, remain+(b.private+b.shared)/b.child
		}
	}
	shrinking := shrinking{pace: rate.pace()}
	var private, all, guessed, lost, old float64 // old: work since places were read, over all places
	for _, b := range s.batches {
		if !b.read { // not read yet, and all of it shared at the birth
			b.shared = remain / read * b.places * b.child
		}
		left := child / b.child * (b.private + b.shared) // of what was there
		kept := shrinking.remaining(b.private, b.shared, left)
		gained := rate.gain(left-kept, work-b.at)
		private += kept + gained
		all += left
		guessed += gained
		lost += b.private - min(kept, evenly(b.private, b.shared, left))
		old += b.places * (work - b.at)
	}
	if all <= 0 {
		return 0, math.Inf(1)
	}
	found := private - guessed
	sampled := (1 - 1/s.weight) * (s.squares - found*found/read)
	share, margin := private/all, rate.margin(old, guessed+lost, sampled)/all

	if n := float64(len(s.found)); s.exactChild > 0 && float64(s.since) < n {
		passed := work - s.exactAt
		left := child / s.exactChild
		kept := shrinking.remaining(s.exact, 1-s.exact, left)
		gained := rate.gain(left-kept, passed)
		lost := s.exact - min(kept, evenly(s.exact, 1-s.exact, left))
		since := float64(s.since) / n
		share = since*share + (1-since)*(kept+gained)/left
		margin = since*margin + (1-since)*rate.margin(n*passed, (gained+lost)/left*all, 0)/all
	}
	return child * min(1, max(0, share)), child * margin
}

func (c *change) add(o change) {
	c.places += o.places
	c.work += o.work
	c.pages += o.pages
	c.shared += o.shared
	c.spread += o.spread
	c.private.add(o.private.had, o.private.kept)
	c.others.add(o.others.had, o.others.kept)
}

// pace returns how fast private pages go, beside shared ones: 1 where as fast, 0 where
// they stay.
func (c *change) pace() float64 {
	left := (c.others.kept + 1) / (c.others.had + 1)
	if left > 0.999 {
		return 1 // nothing to compare with
	}
	kept := (c.private.kept + usualPages*left) / (c.private.had + usualPages)
	return math.Log(kept) / math.Log(left)
}

// shrinking is a child that gives memory back: private pages go beside shared ones at a pace.
type shrinking struct {
	pace float64
	gone float64 // ln of how far shared pages went the last time, to go on from
}

// remaining returns how many of private pages are still there when only left pages are
// there of private and shared together.
func (k *shrinking) remaining(private, shared, left float64) float64 {
	if left >= private+shared {
		return private
	}
	// Shared pages go by a factor of e^-gone, private ones by e^-pace·gone. What is left falls
	// ever slower with gone, so that Newton's steps never go too far from 0, and from
	// beyond only to before. The number of digits doubles with each.
	for range 20 {
		p, s := private*math.Exp(-k.pace*k.gone), shared*math.Exp(-k.gone)
		step := (p + s - left) / max(k.pace*p+s, 1e-9)
		k.gone = max(0, k.gone+step)
		if math.Abs(step) < 1e-3 {
			break
		}
	}
	return min(left, private*math.Exp(-k.pace*k.gone))
}

// evenly returns what remaining returns at a pace of 1.
func evenly(private, shared, left float64) float64 {
	return private * min(1, left/max(1e-9, private+shared))
}

// gain returns how many of shared pages become private in so much work, at the rate of c.
func (c *change) gain(shared, work float64) float64 {
	return shared * -math.Expm1(-work*(c.pages+usualPages)/(c.shared+usualPages))
}

// margin returns how many pages a guess may be off. age is the work since the places were
// read, summed over them; guessed is how many pages were guessed to have come and gone;
// sampled is the variance of what was found. A place's change varies by variance·work around
// what is expected. One page more than was seen is counted in: nothing seen is not nothing
// there. Half of what was guessed is doubted, all of it where nothing was seen.
func (c *change) margin(age, guessed, sampled float64) float64 {
	variance := max(0, (c.spread+c.places/c.work-c.pages*c.pages/c.work)/c.places)
	return 3*math.Sqrt(variance*(age+age*age/c.work)+max(0, sampled)) + guessed*(1+usualPages/(c.pages+usualPages))/2
}

// count returns how many pages the bits of a place stand for.
func count(pages uint64) float64 { return float64(bits.OnesCount64(pages)) }

// logMean returns the mean of what fades from b to a at a constant rate.
func logMean(a, b float64) float64 {
	if b-a < a/1000 || a <= 0 {
		return (a + b) / 2
	}
	return (b - a) / math.Log(b/a)
}
