package track

import (
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// ledger matches the server's own account of its forks (total_forks and the one
// overwritten latest_fork_usec) with the births that were seen.
//
// What makes it sound: the server's main thread forks, counts the fork and
// answers INFO, in this order. So a reply to an INFO that was sent after a child
// was seen has counted that child's fork, and a child that such a reply has not
// counted is none of the server's forks. But the reply may have counted later
// forks too, and then latest_fork_usec is the last one's and the others' are
// lost for good: nothing else in kernel or server tells them.
//
// Every fork that the server counts is settled once: its child was seen or not,
// its duration is known or not.
type ledger struct {
	grace time.Duration // how much later than the reply that counts it a birth may be seen

	total  opt.Val[uint64] // total_forks in the last reply
	births []birthEntry    // seen, not settled; oldest first
	group  opt.Val[group]  // forks counted by a reply whose births have not all been seen

	counted int // forks that the server has counted since the first reply
	// assumed are births of those that close took to be counted, though no reply had
	// said so: a reply that was under way may say so yet.
	assumed []birthEntry
}

type birthEntry struct {
	id   string
	born time.Time // at the earliest
	seen time.Time
}

// group is the rise of total_forks that one reply showed, while births may
// still be missing.
//
// A birth that is seen after the reply may be one of them, if it was born before
// the reply as far as the grain of birth times (10 ms) tells; or it is that of a
// still later fork, with one of the group's never seen. Which of the two, the
// next reply tells: if it counts no further fork, the birth was the group's.
type group struct {
	forks    int
	members  []birthEntry
	last     opt.Val[time.Duration] // latest_fork_usec of the reply: the duration of the last of the forks
	at       time.Time              // of the reply
	deadline time.Time              // births seen later are not the group's
}

func (g group) complete() bool { return len(g.members) == g.forks }

// settlement is what a step of the ledger made known.
type settlement struct {
	durations map[string]opt.Val[time.Duration] // of seen forks; absent: lost
	uncounted []string                          // children that the server does not count as forks of its own
	// orphans are durations of forks that can't be told which: good for the
	// histogram, not for a record.
	orphans            []time.Duration
	unobservedChildren int // forks whose child nobody saw
	lostDurations      int // forks whose duration nobody read
}

func (s *settlement) duration(id string, d opt.Val[time.Duration]) {
	if s.durations == nil {
		s.durations = map[string]opt.Val[time.Duration]{}
	}
	s.durations[id] = d
	if !d.Present() {
		s.lostDurations++
	}
}

// birth notes a new child, and gives it to the group that waits for it, if there
// is one. born is the earliest that it can have been born.
func (l *ledger) birth(id string, born, seen time.Time) {
	if g, ok := l.group.Get(); ok && !g.complete() && !born.After(g.at) {
		g.members = append(g.members, birthEntry{id, born, seen})
		l.group = opt.Of(g)
		return
	}
	l.births = append(l.births, birthEntry{id, born, seen})
}

// forget drops a birth that turned out to be no fork of the server, also from a group:
// then another birth is missing there.
func (l *ledger) forget(id string) {
	isIt := func(b birthEntry) bool { return b.id == id }
	l.births = slices.DeleteFunc(l.births, isIt)
	if g, ok := l.group.Get(); ok {
		g.members = slices.DeleteFunc(slices.Clone(g.members), isIt)
		l.group = opt.Of(g)
	}
}

// hasBirth reports whether the child of the fork id waits for a reply that counts it.
func (l *ledger) hasBirth(id string) bool {
	return slices.ContainsFunc(l.births, func(b birthEntry) bool { return b.id == id })
}

// pending returns how many counted forks wait for births that may still be seen.
func (l *ledger) pending() int {
	g, _ := l.group.Get()
	return g.forks
}

// reply takes a reply to an INFO sent at sent and answered at now. total and
// latest are absent where the server does not send them (total_forks: before 6.2).
func (l *ledger) reply(sent, now time.Time, total opt.Val[uint64], latest opt.Val[time.Duration], reset bool) settlement {
	var s settlement
	l.expire(now, &s)
	count, counts := total.Get()
	before, known := l.total.Get()
	assumed := l.assumed
	l.total, l.assumed = total, nil
	switch {
	case !counts:
		l.replyWithoutCount(sent, latest, &s)
		return s
	case !known:
		l.loseSeenBefore(sent, &s)
		return s
	case reset || count < before:
		seen := l.loseSeenBefore(now, &s) // whether before the reset or since, nobody knows
		l.counted += max(int(count), seen) - seen
		if more := int(count) - seen; more > 0 {
			s.unobservedChildren += more
			s.lostDurations += more
		}
		return s
	}
	forks := int(count - before)
	for i := 0; i < len(assumed) && forks > 0 && !assumed[i].born.After(now); i++ {
		forks--
	}
	l.counted += forks
	g, waiting := l.group.Get()
	if forks == 0 {
		confirmed := waiting && g.complete() && !g.members[len(g.members)-1].seen.After(sent)
		if confirmed {
			l.settle(g, true, &s)
		}
		if confirmed || !waiting {
			l.uncounted(sent, &s)
		}
		return s
	}
	if waiting { // a later rise ends the wait, and leaves open whose late births were
		l.settle(g, false, &s)
	}
	n := 0
	for n < min(forks, len(l.births)) && !l.births[n].born.After(now) {
		n++
	}
	g = group{
		forks:    forks,
		members:  slices.Clone(l.births[:n]),
		last:     latest,
		at:       now,
		deadline: now.Add(l.grace),
	}
	l.births = slices.Delete(l.births, 0, n)
	l.group = opt.Of(g)
	if g.complete() {
		l.settle(g, true, &s)
		l.uncounted(sent, &s)
	}
	return s
}

// expire settles a group whose missing births won't be seen any more. Call it
// now and then while waiting is true.
func (l *ledger) expire(now time.Time, s *settlement) {
	if g, ok := l.group.Get(); ok && !g.complete() && !now.Before(g.deadline) {
		l.settle(g, false, s)
	}
}

// waiting reports whether expire has to be called.
func (l *ledger) waiting() bool { return l.group.Present() }

// settle closes the group. Where it is sure that the members are the group's
// forks, the duration is the last one's; else nobody can say whose it is.
func (l *ledger) settle(g group, sure bool, s *settlement) {
	l.group = opt.Val[group]{}
	s.unobservedChildren += g.forks - len(g.members)
	s.lostDurations += g.forks - len(g.members)
	for i, b := range g.members {
		if sure && i == len(g.members)-1 {
			s.duration(b.id, g.last)
			continue
		}
		s.duration(b.id, opt.Val[time.Duration]{})
	}
	if d, ok := g.last.Get(); ok && !sure {
		s.orphans = append(s.orphans, d)
		s.lostDurations--
	}
}

// replyWithoutCount is all that servers before 6.2 allow: the value is that of
// the last fork before the reply.
func (l *ledger) replyWithoutCount(sent time.Time, latest opt.Val[time.Duration], s *settlement) {
	certain := l.seenBefore(sent)
	l.counted += len(certain)
	for i, b := range certain {
		if i == len(certain)-1 {
			s.duration(b.id, latest)
			continue
		}
		s.duration(b.id, opt.Val[time.Duration]{})
	}
}

// loseSeenBefore gives up the durations of all births that a reply sent at sent
// would have had to count, and says how many there were.
func (l *ledger) loseSeenBefore(sent time.Time, s *settlement) int {
	if g, ok := l.group.Get(); ok {
		l.settle(g, false, s)
	}
	lost := l.seenBefore(sent)
	l.lose(lost, s)
	return len(lost)
}

// lose settles births as forks that the server has counted and whose durations nobody
// knows.
func (l *ledger) lose(births []birthEntry, s *settlement) {
	for _, b := range births {
		s.duration(b.id, opt.Val[time.Duration]{})
	}
	l.counted += len(births)
}

// close settles everything at the end of a server's run: what is not known now
// never will be.
func (l *ledger) close() settlement {
	var s settlement
	if g, ok := l.group.Get(); ok {
		l.settle(g, false, &s)
	}
	l.lose(l.births, &s)
	l.assumed, l.births = l.births, nil
	return s
}

// uncounted finds the children that a reply should have counted and has not.
func (l *ledger) uncounted(sent time.Time, s *settlement) {
	for _, b := range l.seenBefore(sent) {
		s.uncounted = append(s.uncounted, b.id)
	}
}

// seenBefore takes the births seen before sent out of the ledger.
func (l *ledger) seenBefore(sent time.Time) []birthEntry {
	var certain []birthEntry
	l.births = slices.DeleteFunc(l.births, func(b birthEntry) bool {
		if !b.seen.After(sent) {
			certain = append(certain, b)
			return true
		}
		return false
	})
	return certain
}
