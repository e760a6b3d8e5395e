package child

import (
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Counters that have misled are found out by the next reading, and not trusted again
// in this fork, though they may agree.
func TestCountersThatMislead(t *testing.T) {
	m := meterAt(at(0, 1024, 1000))
	m.huge = hugeAbsent
	if r := at(10*pmb, 1024, 1000); !m.leads(r) || m.unchecked(10*mb) {
		t.Error("10 MiB of 1 GiB that nothing speaks against are doubted")
	}
	r := at(150*pmb, 1024, 1000)
	if !m.leads(r) || !m.unchecked(150*mb) {
		t.Error("150 MiB of 1 GiB are not to be checked")
	}
	m.exact(r, r, 250*mb)
	if m.leads(r) {
		t.Error("refuted counters are trusted")
	}
	r = at(160*pmb, 1024, 1000)
	m.exact(r, r, 260*mb)
	if m.leads(r) {
		t.Error("counters that have misled are trusted again")
	}
	if _, ok := m.sample(r).Get(); !ok {
		t.Error("and not drawn either, though smaps is read every second")
	}
}

func TestCountersThatAgree(t *testing.T) {
	m := meterAt(at(0, 1024, 1000))
	m.huge = hugeAbsent
	for _, mbs := range []uint64{150, 300} {
		r := at(mbs*pmb, 1024, 1000)
		m.exact(r, r, (mbs+2)*mb)
		if !m.leads(r) || m.unchecked((mbs+2)*mb) {
			t.Errorf("counters that agree at %d MiB are not trusted", mbs)
		}
		if !m.leads(r.withCopies(0, 0)) {
			t.Error("nothing was accounted at the birth, so nothing can be held against the faults")
		}
	}
}

// The child's own faults since the last exact reading make memory its own that the
// server's faults don't tell.
func TestFaultsOfTheChild(t *testing.T) {
	m := meterAt(at(0, 1024, 1000))
	r := at(0, 1024, 1000)
	r.own = 10 * pmb
	if m.leads(r) {
		t.Error("10 MiB of the child's own are not noticed")
	}
	m.exact(r, r, 5*mb) // half of them were not private
	if !m.leads(r) {
		t.Error("counted from an exact reading, there are none")
	}
}

func TestFaultsThatAreNoCopies(t *testing.T) {
	m := meterAt(at(0, 1024, 1000).withCopies(0, 0))
	if r := at(50*pmb, 1024, 1000).withCopies(50*pmb-500, time.Second); !m.leads(r) {
		t.Error("faults that were copies are doubted")
	}
	if r := at(50*pmb, 1024, 1000).withCopies(20*pmb, time.Second); m.leads(r) {
		t.Error("30 MiB were faulted in without a copy, in a server that keeps its size, and nobody wonders")
	}
	r := at(50*pmb, 1024, 1000).withCopies(20*pmb, time.Second)
	m.exact(r, r, 20*mb)
	if !m.leads(at(60*pmb, 1024, 1000).withCopies(30*pmb, time.Second)) {
		t.Error("faults from before an exact reading that agreed are still held against the copies")
	}
}

// What may have been copied before a child was first seen is part of how far both
// lines may be off, until smaps is read.
func TestMissedBeforeTheFirstLook(t *testing.T) {
	born := time.Unix(1000, 0)
	after := func(d time.Duration, pages uint64) Reading {
		r := at(pages, 1024, 1000)
		r.at = born.Add(d)
		return r
	}
	for name, c := range map[string]struct {
		points []time.Duration
		want   uint64 // pages, at 1,000 copies a second
	}{
		"points every 100 ms": {[]time.Duration{time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond, 2 * time.Second}, 40},
		"every second":        {[]time.Duration{time.Millisecond, time.Second, 2 * time.Second}, 40},
		"too soon to tell":    {[]time.Duration{time.Millisecond, 2 * time.Millisecond}, 0},
	} {
		m := meterAt(after(0, 0))
		m.unseen = 20 * time.Millisecond
		var now Reading
		for _, p := range c.points {
			pages := uint64(p.Seconds() * 1000)
			if p < 10*time.Millisecond {
				pages = 7 // by chance
			}
			now = after(p, pages)
			m.copies(now)
		}
		s, _ := m.sample(now).Get()
		private, copied := s.Error.Or(0)-m.tolerance(s.PrivateDirty), m.copies(now).Error.Or(0)-2*m.loose
		if private != c.want*page || copied != c.want*page {
			t.Errorf("%s: %d and %d pages may be missing, want %d", name, private/page, copied/page, c.want)
		}
		m.huge = hugeAbsent
		m.exact(now, now, s.PrivateDirty)
		if s, _ := m.sample(now).Get(); s.Error != opt.Of(m.tolerance(s.PrivateDirty)) {
			t.Errorf("%s: still part of the error after an exact reading", name)
		}
	}
}
