package watch

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
// too, by the pages that were private and are there no more. And time is the
// server's work (meter.work), not the clock: loads come in bursts, and so does
// freed memory; measured in work the rate at which shared pages become private
// stays much the same.
type sweep struct {
	weight  float64  // places that each stands for
	private []uint64 // what was private at each place when it was read last: a bit for each page
	batches []batch  // the places that are read together
	turn    int      // the batch that is read next
	squares float64  // sum of private²

	recent [sweepRecent]change
	next   int

	// What smaps said last, as a share, and when, and how many places were read
	// since. It is the better beginning until all were.
	exact      float64
	exactAt    float64
	exactChild float64 // resident pages of the whole child then
	since      int
}

// sweepRecent is how many reads the rate is taken from: enough to be steady, few
// enough to follow a change of the load.
const sweepRecent = 16

// usualPages is how many private pages count as if they had been seen to go as
// fast as the whole child shrinks: before enough were seen, that is the guess.
const usualPages = 64

// batch are places that were read at the same time.
type batch struct {
	places          float64
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

	had, kept float64 // pages that had been private, and those of them that were still there
	shrunk    float64 // had, times how far the child had shrunk meanwhile
}

// shrinkage is how far a child has shrunk from so many resident pages to so many:
// 0 where it has not, 1 where it is e times smaller.
func shrinkage(from, to float64) float64 {
	return math.Log(max(from, to) / to)
}

// newSweep begins at a birth, when the child had so many resident pages. Places
// are read in their order, so many at once.
func newSweep(places, atOnce int, weight, child float64) *sweep {
	s := &sweep{weight: weight, private: make([]uint64, places)}
	for ; places > 0; places -= atOnce {
		s.batches = append(s.batches, batch{places: float64(min(places, atOnce)), child: child})
	}
	return s
}

// take adds what was found now: one batch, the one after that of the last call.
func (s *sweep) take(work, child float64, reads []proc.PlaceRead) {
	b := &s.batches[s.turn]
	s.turn = (s.turn + 1) % len(s.batches)
	s.since += len(reads)
	passed := max(work-b.at, 1)
	c := change{places: b.places, work: b.places * passed}
	shrunk, shared, first := shrinkage(b.child, child), b.shared, b.at == 0
	b.at, b.child, b.private, b.shared = work, child, 0, 0
	for _, r := range reads {
		was := s.private[r.Place]
		private, before := count(r.Private), count(was)
		gained := count(r.Private &^ was)
		c.pages += gained
		c.spread += gained * gained / passed
		c.had += before
		c.kept += count(was & r.Resident)
		s.squares += private*private - before*before
		b.private += private
		b.shared += count(r.Resident &^ r.Private)
		s.private[r.Place] = r.Private
	}
	c.shrunk = c.had * shrunk
	if first { // at the birth: what the child has given back since is not known to be of this place
		shared = b.shared + c.pages
	}
	c.shared = logMean(b.shared, max(b.shared, shared)) * passed
	s.recent[s.next] = c
	s.next = (s.next + 1) % sweepRecent
}

// anchor takes how many of the child's resident pages are private by smaps.
func (s *sweep) anchor(work, child, pages float64) {
	s.exact, s.exactAt, s.exactChild, s.since = pages/max(child, 1), work, child, 0
}

// estimate is how many of the child's resident pages are private now, and how far
// that may be off: three times its standard error, and half of what is guessed to
// have come and gone, for rates that do not stay as they are. It takes places to
// change independently of each other: values much larger than a place make the
// error larger than it says.
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
		if b.at > 0 {
			read, remain = read+b.places, remain+(b.private+b.shared)/b.child
		}
	}
	pace := rate.pace()
	var private, all, guessed, lost, old float64 // old: work since places were read, over all places
	for _, b := range s.batches {
		if b.at == 0 { // not read yet, and all of it shared at the birth
			b.shared = remain / read * b.places * b.child
		}
		left := child / b.child * (b.private + b.shared) // of what was there
		kept := min(left, b.private*math.Exp(-pace*shrinkage(b.child, child)))
		gained := rate.gain(left-kept, work-b.at)
		private += kept + gained
		all += left
		guessed += gained
		lost += b.private - kept
		old += b.places * (work - b.at)
	}
	if all <= 0 {
		return 0, math.Inf(1)
	}
	found := private - guessed
	sampled := (1 - 1/s.weight) * (s.squares - found*found/read)
	share, margin := private/all, rate.off(old, guessed+lost, sampled)/all

	if n := float64(len(s.private)); s.exactAt > 0 && float64(s.since) < n {
		passed := work - s.exactAt
		shrunk := shrinkage(s.exactChild, child)
		kept := min(1, s.exact*math.Exp((1-pace)*shrunk)) // of what is left
		gained, lost := rate.gain(1-kept, passed), s.exact*-math.Expm1(-pace*shrunk)
		since := float64(s.since) / n
		share = since*share + (1-since)*(kept+gained)
		margin = since*margin + (1-since)*rate.off(n*passed, (gained+lost)*all, 0)/all
	}
	return child * min(1, max(0, share)), child * margin
}

func (c *change) add(o change) {
	c.places += o.places
	c.work += o.work
	c.pages += o.pages
	c.shared += o.shared
	c.spread += o.spread
	c.had += o.had
	c.kept += o.kept
	c.shrunk += o.shrunk
}

// pace is how fast private pages go when the child shrinks: 1 where as fast as all
// others, 0 where they stay.
func (c *change) pace() float64 {
	if c.shrunk <= 0 {
		return 1
	}
	shrunk := c.shrunk / c.had // the mean
	kept := c.kept + usualPages*math.Exp(-shrunk)
	return math.Log((c.had+usualPages)/kept) / shrunk
}

// gain is how many of so many shared pages become private in so much work, at
// the rate of c.
func (c *change) gain(shared, work float64) float64 {
	return shared * -math.Expm1(-work*max(0, c.pages)/max(1, c.shared))
}

// off is how far a guess may be off that reaches over so much work, summed over
// the places. A place's change varies by variance·work around what is expected.
// One page more than was seen is counted in: nothing seen is not nothing there.
func (c *change) off(old, guessed, sampled float64) float64 {
	variance := max(0, (c.spread+c.places/c.work-c.pages*c.pages/c.work)/c.places)
	return 3*math.Sqrt(variance*(old+old*old/c.work)+max(0, sampled)) + guessed/2
}

// count is how many pages a place's bits stand for.
func count(pages uint64) float64 { return float64(bits.OnesCount64(pages)) }

// logMean is the mean of what fades from b to a at a constant rate.
func logMean(a, b float64) float64 {
	if b-a < a/1000 || a <= 0 {
		return (a + b) / 2
	}
	return (b - a) / math.Log(b/a)
}
