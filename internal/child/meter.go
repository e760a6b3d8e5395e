package child

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

const (
	// uncountedFaults is how many write faults without a counted copy prove that
	// copies are not counted.
	uncountedFaults = 1000

	// cgroupBatch is by how many pages per CPU the kernel's count of a cgroup may lag.
	cgroupBatch = 64

	// ownPages is what a child dirties for itself, without the server: stack,
	// allocator, buffers.
	ownPages = 1 << 20
)

// hugePages is what is known of huge pages in a server and its child.
type hugePages int

const (
	hugePossible   hugePages = iota // there may be some; smaps was not read yet
	hugeImpossible                  // the machine gives none, and no child had any
	hugeAbsent                      // there may be some; smaps has shown that the child has none
	hugePresent                     // smaps has shown that the child has some
)

// seen returns what is known after smaps has shown bytes of huge pages.
func (h hugePages) seen(bytes uint64) hugePages {
	switch {
	case bytes > 0:
		return hugePresent
	case h == hugeImpossible:
		return h
	}
	return hugeAbsent
}

// inChild reports whether the child may have huge pages.
func (h hugePages) inChild() bool { return h == hugePossible || h == hugePresent }

// estimate is a number of bytes and how far it may be off.
type estimate struct{ bytes, off uint64 }

// meter makes a fork's two lines of readings: what the child alone holds, and
// what the kernel copied.
//
// The child's private dirty memory is, in the order of trust: what smaps says;
// what the server's own cgroup holds beyond the server; and between two readings
// of smaps the last one plus what the counters have counted since. That last
// holds as long as neither the server nor the child gives memory back: freed
// pages become the child's without a copy, and what the child gives back is its
// no more. Both show in resident sizes that fall. From then on a sample of its
// pages tells, where they may be read and none of them is a huge one.
//
// Copies are what delay accounting counted, or the server's minor faults beyond
// its growth, again as long as nobody gives memory back: a page that the child
// gave back costs a fault and no copy. Nor can faults tell when the server grows by
// huge pages, of which each is one fault.
type meter struct {
	page  uint64 // bytes
	lag   uint64 // by how many bytes a cgroup's count may be behind
	loose uint64 // by how many bytes a resident size may be off (slack)

	idle    opt.Val[Reading] // the last one before the birth, without a child
	birth   Reading          // when the child was first seen
	partial bool             // which was long after its birth: how much was copied can't be known
	unseen  time.Duration    // between the birth and that, where faults can't be counted from before
	missed  uint64           // bytes that may have been copied in it
	paced   bool             // missed is final
	high    highs            // since the birth
	last    Reading          // the newest one
	// work is how often the server has written to or freed each of its pages since
	// the birth, on average: whatever makes a child's pages private is in it.
	work float64
	gave bool      // server or child gave memory back since the birth
	huge hugePages // in server and child
	grew bool      // the server, which may have huge pages, has grown: by fewer faults than pages

	anchor opt.Val[anchor] // the last exact reading
	misled bool            // the counters have led away from an exact reading: whatever did that may come again
	// noCgroup says that the cgroup has led away from an exact reading: memory that
	// it is not charged for, or somebody else's.
	noCgroup bool
	noPages  bool // the sample of pages has led away twice in a row: its error is one of chance
	doubted  bool // it did the last time
}

// newMeter begins at a birth, when nothing has been copied and the child has
// dirtied little of its own; or, where the child was there before (partial), at a point
// that nothing is known of. page is the size of a page, cpus how many CPUs the machine
// can have, idle the last reading without a child, birth the first with it.
func newMeter(page uint64, cpus int, idle opt.Val[Reading], birth Reading, partial bool) meter {
	n := uint64(cpus)
	m := meter{page: page, lag: cgroupBatch * n * page, loose: max(32, 2*n) * n * page, idle: idle, birth: birth, partial: partial, last: birth}
	m.high.fell(birth, m.loose)
	if !partial {
		at := birth
		at.copies = m.zero().copies
		m.anchor = opt.Of(anchor{high: m.high, at: at, birth: true}) // what was copied before it was seen is the child's too
	}
	return m
}

// tolerance returns by how many bytes two sources that tell private bytes of dirty
// memory may differ and still agree.
func (m *meter) tolerance(private uint64) uint64 {
	return max(private/50, m.birth.resident/200) + ownPages
}

// highs are the largest resident sizes seen.
type highs struct{ server, child uint64 }

// anchor is a reading of smaps and the counters at the same moment.
type anchor struct {
	dirty  uint64
	copied uint64
	spread uint64 // how far copied may be off: smaps takes a while to read
	high   highs

	at      Reading
	birth   bool // no reading of smaps: nothing is private then
	refuted bool // the counters had led away from it, or memory was given back since
}

// slack returns how far a resident size may fall without meaning anything: the kernel
// keeps it in batches, per thread before Linux 6.2, and since then per CPU, of which
// stat does not look at what is pending: max(32, 2·CPUs) pages each (loose).
func slack(resident, loose uint64) uint64 { return max(2<<20, resident/200, loose) }

// fell updates h by a reading and reports whether a size has fallen from its high.
func (h *highs) fell(r Reading, loose uint64) bool {
	child := r.child.Or(h.child)
	fell := r.resident+slack(h.server, loose) < h.server || child+slack(h.child, loose) < h.child
	h.server, h.child = max(h.server, r.resident), max(h.child, child)
	return fell
}

// counted returns what faults beyond growth say has been copied since the birth, in bytes.
func (m *meter) counted(r Reading) uint64 {
	return r.beyondGrowth(m.birth, m.page) * m.page
}

// zero returns the reading that delay accounting is counted from: copies stand still
// between forks, so the one before the birth misses nothing.
func (m *meter) zero() Reading {
	if q, ok := m.idle.Get(); ok && q.copies.Present() {
		return q
	}
	return m.birth
}

// cgroupOff returns how far the cgroup's figure may be off, in bytes: its own count lags,
// and on Linux 6.2 to 6.15 that of the server's anonymous memory is as loose as its size.
func (m *meter) cgroupOff() uint64 { return m.lag + m.loose }

// delays returns what delay accounting has counted since before the birth: the bytes
// copied, and the seconds that this took. Both are absent where it does not tell.
func (m *meter) delays(r Reading) (bytes opt.Val[uint64], stall opt.Val[float64]) {
	now, ok := r.copies.Get()
	if !ok {
		return bytes, stall
	}
	before, ok := m.zero().copies.Get()
	if !ok || now.CopyDelay < before.CopyDelay {
		return bytes, stall
	}
	copied := taskstats.CountDelta(before.CopyCount, now.CopyCount)
	if copied == 0 && m.counted(r)/m.page > uncountedFaults {
		return bytes, stall // switched off meanwhile: the count stands still
	}
	return opt.Of(copied * m.page), opt.Of((now.CopyDelay - before.CopyDelay).Seconds())
}

// plausible reports whether a reading may be used. Each copy is a fault; but while
// a server with threads dies, the kernel shows its copies twice for a moment,
// the living threads' and the process's sum of the same.
func (m *meter) plausible(r Reading) bool {
	from := m.zero()
	now, ok1 := r.copies.Get()
	before, ok2 := from.copies.Get()
	if !ok1 || !ok2 {
		return true
	}
	return taskstats.CountDelta(before.CopyCount, now.CopyCount) <= r.faults-from.faults+uncountedFaults
}

// copies returns what is known of the copies so far. Call it with each reading, in
// order: it watches for memory that is given back.
func (m *meter) copies(r Reading) fork.Copies {
	if m.high.fell(r, m.loose) {
		m.gave = true
	}
	m.addWork(r)
	if m.partial {
		return fork.Copies{Time: r.at}
	}
	m.noteMissed(r)
	c := fork.Copies{Time: r.at, Faults: opt.Of(m.counted(r) / m.page)}
	c.Bytes, c.Stall = m.delays(r)
	c.Source = fork.SourceTaskstats
	if m.huge.inChild() && r.growth(m.birth.resident) > max(m.counted(r)/50, ownPages) {
		m.grew = true
	}
	if !c.Bytes.Present() && !m.gave && !m.grew {
		c.Bytes, c.Source = opt.Of(m.counted(r)), fork.SourceCounters
		c.Error = opt.Of(2*m.loose + m.missed) // the size, at the birth and now
	}
	return c
}

// noteMissed estimates how much may have been copied before the child was first seen, by
// what was copied right after: twice that, as copies are densest in the beginning.
func (m *meter) noteMissed(r Reading) {
	const tooShort, enough = 10 * time.Millisecond, 250 * time.Millisecond
	since := r.at.Sub(m.birth.at)
	if m.unseen <= 0 || m.paced || since < tooShort {
		return
	}
	m.missed = uint64(2 * float64(m.counted(r)) * float64(m.unseen) / float64(since))
	m.paced = since >= enough
}

// addWork adds the server's work since the last reading.
func (m *meter) addWork(r Reading) {
	freed := m.last.resident - min(m.last.resident, r.resident)
	m.work += float64(r.faults-m.last.faults+freed/m.page) / float64(max(m.page, m.last.resident)/m.page)
	m.last = r
}

// exact takes a reading of smaps, by which the child holds private bytes of private dirty
// memory, and the readings of the counters before and after it: smaps takes a
// while, and what is copied meanwhile is in it or is not. The counters are believed on
// if they led here from the anchor before.
func (m *meter) exact(before, after Reading, private uint64) {
	early, late := m.copied(before), max(m.copied(before), m.copied(after))
	last, was := m.anchor.Get()
	led, holds := m.between(after)
	margin := m.tolerance(private) + late - early
	if by, ok := m.byCgroup(after); ok && apart(by, private) > margin+m.cgroupOff() {
		m.noCgroup = true
	}
	if by, ok := after.pages.Get(); ok {
		contradicts := apart(by.bytes, private) > margin+by.off
		m.noPages = m.noPages || contradicts && m.doubted
		m.doubted = contradicts
	}
	next := anchor{dirty: private, copied: early + (late-early)/2, spread: (late - early + 1) / 2, at: after}
	next.high.fell(after, m.loose)
	if last.birth {
		margin += m.missed
	}
	agree := apart(led, private) <= margin
	next.refuted = holds && !agree
	m.misled = m.misled || was && !agree
	m.anchor = opt.Of(next)
}

// unanchor forgets what the counters of private dirty memory go on from: where smaps
// can't be read nothing would refute them when they mislead, and they tell copies only.
func (m *meter) unanchor() { m.anchor = opt.Val[anchor]{} }

// copied returns the best count of copied bytes, for differences.
func (m *meter) copied(r Reading) uint64 {
	if bytes, _ := m.delays(r); bytes.Present() {
		return bytes.Or(0)
	}
	return m.counted(r)
}

// between returns the private dirty memory by the counters since the last anchor, and
// whether it can be believed.
func (m *meter) between(r Reading) (uint64, bool) {
	a, ok := m.anchor.Get()
	if !ok {
		return 0, false
	}
	if a.high.fell(r, m.loose) {
		a.refuted = true
	}
	m.anchor = opt.Of(a)
	return a.dirty + m.copied(r) - min(a.copied, m.copied(r)), !a.refuted
}

// leads reports whether counting on from the last exact reading can be trusted. It
// can't where memory was given back since, nor in a fork in which the counters have led
// away from an exact reading before; where the child has had faults of its own, which make
// memory its own that the server's do not tell; nor where delay accounting has
// counted fewer copies than there were faults: a server that gives pages back and
// takes new ones at one pace keeps its size.
func (m *meter) leads(r Reading) bool {
	between, ok := m.between(r)
	a, _ := m.anchor.Get()
	if !ok || m.misled || (r.own-min(a.at.own, r.own))*m.page > m.tolerance(between) {
		return false
	}
	now, _ := m.delays(r)
	then, _ := m.delays(a.at)
	faulted := m.counted(r) - min(m.counted(a.at), m.counted(r))
	copied := now.Or(0) - min(then.Or(0), now.Or(0))
	return !now.Present() || faulted <= copied+m.tolerance(between)
}

// worthChecking is how many times what two sources may differ by has to have come,
// for a check to say something: one that is off by a twentieth is found out.
const worthChecking = 20

// unchecked reports whether so much private memory has come or gone since the last exact
// reading that another would say something.
func (m *meter) unchecked(private uint64) bool {
	a, ok := m.anchor.Get()
	return !ok || apart(private, a.dirty) >= worthChecking*m.tolerance(private)
}

// spread returns how far counting on from the last exact reading may be off, in bytes: by
// what that is off by, and, where faults alone tell, by what was missed at the birth and
// what the server has grown by in huge pages.
func (m *meter) spread(r Reading) uint64 {
	a, _ := m.anchor.Get()
	spread := a.spread
	if bytes, _ := m.delays(r); bytes.Present() {
		return spread
	}
	if a.birth {
		spread += m.missed
	}
	if m.huge.inChild() {
		spread += r.growth(a.at.resident)
	}
	return spread
}

// byCgroup returns the private dirty memory by the server's own cgroup, and whether that tells.
func (m *meter) byCgroup(r Reading) (uint64, bool) {
	idle, ok := m.idle.Get()
	now, ok1 := r.others()
	before, ok2 := idle.others()
	return uint64(max(0, now-before)), ok && ok1 && ok2 && !m.noCgroup
}

// sample returns the child's private dirty memory without a reading of smaps; absent
// where nothing trustworthy is known.
func (m *meter) sample(r Reading) opt.Val[fork.Sample] {
	between, counts := m.between(r) // with each reading: it watches for memory that is given back
	if private, ok := m.byCgroup(r); ok {
		return opt.Of(fork.Sample{Time: r.at, Source: fork.SourceCgroup, PrivateDirty: private, Error: opt.Of(m.cgroupOff())})
	}
	if by, ok := r.pages.Get(); ok && !m.noPages {
		return opt.Of(fork.Sample{Time: r.at, Source: fork.SourcePagemap, PrivateDirty: by.bytes, Error: opt.Of(by.off)})
	}
	if counts {
		return opt.Of(fork.Sample{Time: r.at, Source: fork.SourceCounters, PrivateDirty: between, Error: opt.Of(m.tolerance(between) + m.spread(r))})
	}
	return opt.Val[fork.Sample]{}
}

// wantsPages reports whether a sample of pages would say more than anything else.
func (m *meter) wantsPages(r Reading) bool {
	_, exact := m.byCgroup(r)
	return m.gave && !exact && !m.noPages
}

func apart(a, b uint64) uint64 { return max(a, b) - min(a, b) }
