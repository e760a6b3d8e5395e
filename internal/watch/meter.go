package watch

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

// unaccountedFaults is how many write faults without a counted copy prove that
// copies are not counted.
const unaccountedFaults = 1000

// reading is what the counters say of a server, and of its child, at one
// moment. Taking it costs some 30 µs, however large the server is.
type reading struct {
	at       time.Time
	faults   uint64                   // minor faults of the server
	resident uint64                   // bytes of the server
	anon     opt.Val[uint64]          // bytes that the server has mapped of anonymous memory
	cgroup   opt.Val[uint64]          // bytes of anonymous memory in the server's own cgroup
	copies   opt.Val[taskstats.Stats] // delay accounting of the server
	child    opt.Val[uint64]          // resident bytes of the child
}

// others is what the cgroup's processes other than the server hold.
func (r reading) others() (uint64, bool) {
	cgroup, ok1 := r.cgroup.Get()
	anon, ok2 := r.anon.Get()
	return cgroup - min(anon, cgroup), ok1 && ok2
}

// meter makes a fork's two lines of readings: what the child alone holds, and
// what the kernel copied.
//
// The child's private dirty memory is, in the order of trust: what smaps says;
// what the server's own cgroup holds beyond the server; and between two readings
// of smaps the last one plus what the counters have counted since. That last
// holds as long as neither the server nor the child gives memory back: freed
// pages become the child's without a copy, and what the child gives back is its
// no more. Both show in resident sizes that fall.
//
// Copies are what delay accounting counted, or the server's minor faults beyond
// its growth, again as long as nobody gives memory back: a page that the child
// gave back costs a fault and no copy.
type meter struct {
	page uint64
	lag  uint64 // by how many bytes a cgroup's count may be behind

	quiet opt.Val[reading] // the last one before the birth, without a child
	birth reading          // when the child was first seen
	high  highs            // since the birth
	gave  bool             // server or child gave memory back since the birth

	anchor opt.Val[anchor] // the last exact reading
}

// highs are the largest resident sizes seen.
type highs struct{ server, child uint64 }

// anchor is a reading of smaps and the counters at the same moment.
type anchor struct {
	dirty   uint64
	copied  uint64
	high    highs
	refuted bool // the counters had led away from it, or memory was given back since
}

// slack is how far a resident size may fall without meaning anything: the kernel
// keeps it per thread or CPU in batches.
func slack(resident uint64) uint64 { return max(2<<20, resident/200) }

// fell updates the highs and tells whether a size has fallen from them.
func (h *highs) fell(r reading) bool {
	child := r.child.Or(h.child)
	fell := r.resident+slack(h.server) < h.server || child+slack(h.child) < h.child
	h.server, h.child = max(h.server, r.resident), max(h.child, child)
	return fell
}

// counted is what faults beyond growth say has been copied since the birth.
func (m *meter) counted(r reading) uint64 {
	faults := (r.faults - m.birth.faults) * m.page
	grown := r.resident - min(r.resident, m.birth.resident)
	return faults - min(grown, faults)
}

// accounted is the delay accounting since before the birth; absent where there is none.
func (m *meter) accounted(r reading) (bytes opt.Val[uint64], stall opt.Val[float64]) {
	now, ok := r.copies.Get()
	if !ok {
		return bytes, stall
	}
	before, ok := m.birth.copies.Get()
	if q, quiet := m.quiet.Get(); quiet && q.copies.Present() {
		before, ok = q.copies.Get()
	}
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
	from := m.birth
	if q, ok := m.quiet.Get(); ok && q.copies.Present() {
		from = q
	}
	now, ok1 := r.copies.Get()
	before, ok2 := from.copies.Get()
	if !ok1 || !ok2 {
		return true
	}
	return taskstats.CountDelta(before.CopyCount, now.CopyCount) <= r.faults-from.faults+unaccountedFaults
}

// copies is what is known of the copies so far. Call it with each reading, in
// order: it watches for memory that is given back.
func (m *meter) copies(r reading) history.Copies {
	if m.high.fell(r) {
		m.gave = true
	}
	c := history.Copies{Time: r.at, Faults: opt.Of(m.counted(r) / m.page)}
	c.Bytes, c.Stall = m.accounted(r)
	c.Source = history.SourceTaskstats
	if !c.Bytes.Present() && !m.gave {
		c.Bytes, c.Source = opt.Of(m.counted(r)), history.SourceCounters
	}
	return c
}

// exact takes a reading of smaps and the counters of the same moment. The
// counters are believed again only if they led here from the anchor before.
func (m *meter) exact(r reading, dirty uint64) {
	led, was := m.between(r)
	next := anchor{dirty: dirty, copied: m.copied(r)}
	next.high.fell(r)
	if was {
		next.refuted = apart(led, dirty) > max(dirty/50, m.birth.resident/200)
	}
	m.anchor = opt.Of(next)
}

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
	if a.high.fell(r) {
		a.refuted = true
	}
	m.anchor = opt.Of(a)
	return a.dirty + m.copied(r) - min(a.copied, m.copied(r)), !a.refuted
}

// sample is the child's private dirty memory without a reading of smaps; absent
// where nothing trustworthy is known.
func (m *meter) sample(r reading) opt.Val[history.Sample] {
	if now, ok := r.others(); ok {
		if q, quiet := m.quiet.Get(); quiet {
			if before, ok := q.others(); ok {
				return opt.Of(history.Sample{
					Time: r.at, Source: history.SourceCgroup,
					PrivateDirty: now - min(before, now), Error: opt.Of(m.lag),
				})
			}
		}
	}
	if dirty, ok := m.between(r); ok {
		return opt.Of(history.Sample{
			Time: r.at, Source: history.SourceCounters, PrivateDirty: dirty,
			Error: opt.Of(max(dirty/50, m.birth.resident/200)),
		})
	}
	return opt.Val[history.Sample]{}
}

func apart(a, b uint64) uint64 { return max(a, b) - min(a, b) }
