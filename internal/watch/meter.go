package watch

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

// unaccountedFaults is how many write faults without a counted copy prove that
// copies are not counted.
const unaccountedFaults = 1000

// reading is what the counters say of a server, and of its child, at one
// moment. Taking it costs some 0.2 ms of CPU on a busy machine, however large
// the server is.
type reading struct {
	at       time.Time
	faults   uint64                   // minor faults of the server
	resident uint64                   // bytes of the server
	ran      opt.Val[time.Duration]   // how long the server's main thread has run
	anon     opt.Val[uint64]          // bytes that the server has mapped of anonymous memory
	cgroup   opt.Val[uint64]          // bytes of anonymous memory in the server's cgroup, if nobody else is in it
	copies   opt.Val[taskstats.Stats] // delay accounting of the server
	child    opt.Val[uint64]          // resident bytes of the child
	own      uint64                   // minor faults of the child
	pages    opt.Val[estimate]        // private dirty bytes of the child by a sample of its pages
}

// grown is how many bytes the server has grown by from so many.
func (r reading) grown(from uint64) uint64 { return r.resident - min(r.resident, from) }

// beyondGrowth is how many faults there were since an earlier reading that did not
// make the server grow.
func (r reading) beyondGrowth(from reading, page uint64) uint64 {
	faults := r.faults - from.faults
	return faults - min(r.grown(from.resident)/page, faults)
}

// estimate is a number of bytes and how far it may be off.
type estimate struct{ bytes, off uint64 }

// others is what the cgroup's processes other than the server hold. It is below
// 0 where the server brought memory along that another cgroup is charged for:
// only differences mean anything.
func (r reading) others() (int64, bool) {
	cgroup, ok1 := r.cgroup.Get()
	anon, ok2 := r.anon.Get()
	return int64(cgroup) - int64(anon), ok1 && ok2
}

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
	page  uint64
	lag   uint64 // by how many bytes a cgroup's count may be behind
	loose uint64 // by how many bytes a resident size may be off (slack)

	quiet   opt.Val[reading] // the last one before the birth, without a child
	birth   reading          // when the child was first seen
	partial bool             // which was long after its birth: how much was copied can't be known
	unseen  time.Duration    // between the birth and that, where faults can't be counted from before
	missed  uint64           // bytes that may have been copied in it
	paced   bool             // missed is final
	high    highs            // since the birth
	last    reading          // the newest one
	// work is how often the server has written to or freed each of its pages since
	// the birth, on average: whatever makes a child's pages private is in it.
	work float64
	gave bool          // server or child gave memory back since the birth
	huge opt.Val[bool] // the child has huge pages; absent where it may and smaps was not read
	grew bool          // and the server, which may have them too, has grown: by fewer faults than pages

	anchor opt.Val[anchor] // the last exact reading
	misled bool            // the counters have led away from one: whatever did that may come again
	// noCgroup says that the cgroup has led away from an exact reading: memory that
	// it is not charged for, or somebody else's.
	noCgroup bool
	noPages  bool // the same of the sample of pages: twice in a row, as its error is one of chance
	doubted  bool // it did the last time
}

// ownPages is what a child dirties for itself, without the server: stack,
// allocator, buffers.
const ownPages = 1 << 20

// newMeter begins at a birth, when nothing has been copied and the child has
// dirtied little of its own; or, where the child was there before, at a point
// that nothing is known of.
func newMeter(page uint64, cpus int, quiet opt.Val[reading], birth reading, partial bool) meter {
	n := uint64(cpus)
	m := meter{page: page, lag: cgroupBatch * n * page, loose: max(32, 2*n) * n * page, quiet: quiet, birth: birth, partial: partial, last: birth}
	m.high.fell(birth, m.loose)
	if !partial {
		at := birth
		at.copies = m.zero().copies
		m.anchor = opt.Of(anchor{high: m.high, at: at, birth: true}) // what was copied before it was seen is the child's too
	}
	return m
}

// tolerance is how far apart two sources may be and still agree.
func (m *meter) tolerance(dirty uint64) uint64 {
	return max(dirty/50, m.birth.resident/200) + ownPages
}

// highs are the largest resident sizes seen.
type highs struct{ server, child uint64 }

// anchor is a reading of smaps and the counters at the same moment.
type anchor struct {
	dirty  uint64
	copied uint64
	spread uint64 // how far copied may be off: smaps takes a while to read
	high   highs

	at      reading
	birth   bool // no reading of smaps: nothing is private then
	refuted bool // the counters had led away from it, or memory was given back since
}

// slack is how far a resident size may fall without meaning anything: the kernel
// keeps it in batches, per thread before Linux 6.2, and since then per CPU, of which
// stat does not look at what is pending: max(32, 2·CPUs) pages each (loose).
func slack(resident, loose uint64) uint64 { return max(2<<20, resident/200, loose) }

// fell updates the highs and tells whether a size has fallen from them.
func (h *highs) fell(r reading, loose uint64) bool {
	child := r.child.Or(h.child)
	fell := r.resident+slack(h.server, loose) < h.server || child+slack(h.child, loose) < h.child
	h.server, h.child = max(h.server, r.resident), max(h.child, child)
	return fell
}

// counted is what faults beyond growth say has been copied since the birth.
func (m *meter) counted(r reading) uint64 {
	return r.beyondGrowth(m.birth, m.page) * m.page
}

// zero is the reading that delay accounting is counted from: copies stand still
// between forks, so the one before the birth misses nothing.
func (m *meter) zero() reading {
	if q, ok := m.quiet.Get(); ok && q.copies.Present() {
		return q
	}
	return m.birth
}

// cgroupOff is how far the cgroup's figure may be off: its own count lags, and on
// Linux 6.2 to 6.15 that of the server's anonymous memory is as loose as its size.
func (m *meter) cgroupOff() uint64 { return m.lag + m.loose }

// accounted is the delay accounting since before the birth; absent where there is none.
func (m *meter) accounted(r reading) (bytes opt.Val[uint64], stall opt.Val[float64]) {
	now, ok := r.copies.Get()
	if !ok {
		return bytes, stall
	}
	before, ok := m.zero().copies.Get()
	if !ok || now.CopyDelay < before.CopyDelay {
		return bytes, stall
	}
	copied := taskstats.CountDelta(before.CopyCount, now.CopyCount)
	if copied == 0 && m.counted(r)/m.page > unaccountedFaults {
		return bytes, stall // switched off meanwhile: the count stands still
	}
	return opt.Of(copied * m.page), opt.Of((now.CopyDelay - before.CopyDelay).Seconds())
}

// plausible tells whether a reading may be used. Each copy is a fault; but while
// a server with threads dies, the kernel shows its copies twice for a moment,
// the living threads' and the process's sum of the same.
func (m *meter) plausible(r reading) bool {
	from := m.zero()
	now, ok1 := r.copies.Get()
	before, ok2 := from.copies.Get()
	if !ok1 || !ok2 {
		return true
	}
	return taskstats.CountDelta(before.CopyCount, now.CopyCount) <= r.faults-from.faults+unaccountedFaults
}

// copies is what is known of the copies so far. Call it with each reading, in
// order: it watches for memory that is given back.
func (m *meter) copies(r reading) fork.Copies {
	if m.high.fell(r, m.loose) {
		m.gave = true
	}
	m.worked(r)
	if m.partial {
		return fork.Copies{Time: r.at}
	}
	m.miss(r)
	c := fork.Copies{Time: r.at, Faults: opt.Of(m.counted(r) / m.page)}
	c.Bytes, c.Stall = m.accounted(r)
	c.Source = fork.SourceTaskstats
	if m.huge.Or(true) && r.grown(m.birth.resident) > max(m.counted(r)/50, ownPages) {
		m.grew = true
	}
	if !c.Bytes.Present() && !m.gave && !m.grew {
		c.Bytes, c.Source = opt.Of(m.counted(r)), fork.SourceCounters
		c.Error = opt.Of(2*m.loose + m.missed) // the size, at the birth and now
	}
	return c
}

// miss tells how much may have been copied before the child was first seen, by what
// was copied right after: twice that, as copies are densest in the beginning.
func (m *meter) miss(r reading) {
	const tooShort, enough = 10 * time.Millisecond, 250 * time.Millisecond
	since := r.at.Sub(m.birth.at)
	if m.unseen <= 0 || m.paced || since < tooShort {
		return
	}
	m.missed = uint64(2 * float64(m.counted(r)) * float64(m.unseen) / float64(since))
	m.paced = since >= enough
}

// worked adds up the server's work.
func (m *meter) worked(r reading) {
	freed := m.last.resident - min(m.last.resident, r.resident)
	m.work += float64(r.faults-m.last.faults+freed/m.page) / float64(max(m.page, m.last.resident)/m.page)
	m.last = r
}

// exact takes a reading of smaps, and those of the counters before and after it:
// smaps takes a while, and what is copied meanwhile is in it or is not. The
// counters are believed on if they led here from the anchor before.
func (m *meter) exact(before, after reading, dirty uint64) {
	early, late := m.copied(before), max(m.copied(before), m.copied(after))
	last, was := m.anchor.Get()
	led, holds := m.between(after)
	margin := m.tolerance(dirty) + late - early
	if by, ok := m.byCgroup(after); ok && apart(by, dirty) > margin+m.cgroupOff() {
		m.noCgroup = true
	}
	if by, ok := after.pages.Get(); ok {
		contradicts := apart(by.bytes, dirty) > margin+by.off
		m.noPages = m.noPages || contradicts && m.doubted
		m.doubted = contradicts
	}
	next := anchor{dirty: dirty, copied: early + (late-early)/2, spread: (late - early + 1) / 2, at: after}
	next.high.fell(after, m.loose)
	if last.birth {
		margin += m.missed
	}
	agree := apart(led, dirty) <= margin
	next.refuted = holds && !agree
	m.misled = m.misled || was && !agree
	m.anchor = opt.Of(next)
}

// unanchor forgets what the counters of private dirty memory go on from: where smaps
// can't be read nothing would refute them when they mislead, and they tell copies only.
func (m *meter) unanchor() { m.anchor = opt.Val[anchor]{} }

// copied is the best count of copies, for differences.
func (m *meter) copied(r reading) uint64 {
	if bytes, _ := m.accounted(r); bytes.Present() {
		return bytes.Or(0)
	}
	return m.counted(r)
}

// between is the private dirty memory by the counters since the last anchor.
func (m *meter) between(r reading) (uint64, bool) {
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

// leads tells whether counting on from the last exact reading can be trusted. It
// can't where memory was given back since, nor in a fork in which the counters have led
// away from an exact reading before; where the child has had faults of its own, which make
// memory its own that the server's do not tell; nor where delay accounting has
// counted fewer copies than there were faults: a server that gives pages back and
// takes new ones at one pace keeps its size.
func (m *meter) leads(r reading) bool {
	between, ok := m.between(r)
	a, _ := m.anchor.Get()
	if !ok || m.misled || (r.own-min(a.at.own, r.own))*m.page > m.tolerance(between) {
		return false
	}
	now, _ := m.accounted(r)
	then, _ := m.accounted(a.at)
	faulted := m.counted(r) - min(m.counted(a.at), m.counted(r))
	copied := now.Or(0) - min(then.Or(0), now.Or(0))
	return !now.Present() || faulted <= copied+m.tolerance(between)
}

// worthChecking is how many times what two sources may differ by has to have come,
// for a check to say something: one that is off by a twentieth is found out.
const worthChecking = 20

// unproved tells whether so much has come since the last exact reading, or gone,
// that another would say something.
func (m *meter) unproved(dirty uint64) bool {
	a, ok := m.anchor.Get()
	return !ok || apart(dirty, a.dirty) >= worthChecking*m.tolerance(dirty)
}

// spread is how far counting on from the last exact reading may be off: by what
// that is off by, and, where faults alone tell, by what was missed at the birth and
// what the server has grown by in huge pages.
func (m *meter) spread(r reading) uint64 {
	a, _ := m.anchor.Get()
	spread := a.spread
	if bytes, _ := m.accounted(r); bytes.Present() {
		return spread
	}
	if a.birth {
		spread += m.missed
	}
	if m.huge.Or(true) {
		spread += r.grown(a.at.resident)
	}
	return spread
}

// byCgroup is the private dirty memory by the server's own cgroup.
func (m *meter) byCgroup(r reading) (uint64, bool) {
	quiet, ok := m.quiet.Get()
	now, ok1 := r.others()
	before, ok2 := quiet.others()
	return uint64(max(0, now-before)), ok && ok1 && ok2 && !m.noCgroup
}

// sample is the child's private dirty memory without a reading of smaps; absent
// where nothing trustworthy is known.
func (m *meter) sample(r reading) opt.Val[fork.Sample] {
	between, counts := m.between(r) // with each reading: it watches for memory that is given back
	if dirty, ok := m.byCgroup(r); ok {
		return opt.Of(fork.Sample{Time: r.at, Source: fork.SourceCgroup, PrivateDirty: dirty, Error: opt.Of(m.cgroupOff())})
	}
	if by, ok := r.pages.Get(); ok && !m.noPages {
		return opt.Of(fork.Sample{Time: r.at, Source: fork.SourcePagemap, PrivateDirty: by.bytes, Error: opt.Of(by.off)})
	}
	if counts {
		return opt.Of(fork.Sample{Time: r.at, Source: fork.SourceCounters, PrivateDirty: between, Error: opt.Of(m.tolerance(between) + m.spread(r))})
	}
	return opt.Val[fork.Sample]{}
}

// wantsPages tells whether a sample of pages would say more than anything else.
func (m *meter) wantsPages(r reading) bool {
	_, exact := m.byCgroup(r)
	return m.gave && !exact && !m.noPages
}

func apart(a, b uint64) uint64 { return max(a, b) - min(a, b) }
