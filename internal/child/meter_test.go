package child

import (
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

const (
	page = 4096
	mb   = 1 << 20
	pmb  = mb / page // pages per MiB
)

// at makes a Reading of a server of 1 GiB and its child.
func at(faults uint64, server, child uint64) Reading {
	return Reading{faults: faults, resident: server * mb, child: opt.Of(child * mb)}
}

func (r Reading) withCgroup(anon, cgroup uint64) Reading {
	r.anon, r.cgroup = opt.Of(anon*mb), opt.Of(cgroup*mb)
	return r
}

func (r Reading) withCopies(pages uint64, took time.Duration) Reading {
	r.copies = opt.Of(taskstats.Stats{CopyCount: pages, CopyDelay: took})
	return r
}

func meterAt(birth Reading) *meter {
	m := newMeter(page, 4, opt.Val[Reading]{}, birth, false)
	return &m
}

func wantDirty(t *testing.T, m *meter, r Reading, want uint64, source fork.Source) {
	t.Helper()
	s, ok := m.sample(r).Get()
	if !ok || s.PrivateDirty != want*mb || s.Source != source {
		t.Errorf("private dirty %d by %q (known: %v), want %d MiB by %s", s.PrivateDirty, s.Source, ok, want, source)
	}
}

func wantNothing(t *testing.T, m *meter, r Reading) {
	t.Helper()
	if s, ok := m.sample(r).Get(); ok {
		t.Errorf("private dirty %d by %s, want nothing", s.PrivateDirty, s.Source)
	}
}

func TestMeterCountsFromTheBirthAndFromExactReadings(t *testing.T) {
	m := meterAt(at(1000, 1024, 1000))
	wantDirty(t, m, at(1000+10*pmb, 1024, 1000), 10, fork.SourceCounters)
	m.exact(at(1000+10*pmb, 1024, 1000), at(1000+10*pmb, 1024, 1000), 11*mb)
	wantDirty(t, m, at(1000+50*pmb, 1024, 1000), 51, fork.SourceCounters)
	c := m.copies(at(1000+50*pmb, 1024, 1000))
	if c.Bytes != opt.Of(uint64(50*mb)) || c.Source != fork.SourceCounters || c.Stall.Present() || c.Faults != opt.Of(uint64(50*pmb)) {
		t.Errorf("copies %+v", c)
	}
}

// A server that grows touches new pages: faults, and no copies.
func TestMeterLeavesGrowthOut(t *testing.T) {
	m := meterAt(at(0, 1024, 1000))
	m.exact(at(0, 1024, 1000), at(0, 1024, 1000), mb)
	wantDirty(t, m, at(300*pmb, 1024+200, 1000), 101, fork.SourceCounters)
}

func TestMeterIsSilentWhereMemoryIsGivenBack(t *testing.T) {
	for name, after := range map[string]Reading{
		"the server frees":        at(100*pmb, 1024-100, 1000),
		"the child gives it back": at(100*pmb, 1024, 1000-100),
	} {
		t.Run(name, func(t *testing.T) {
			m := meterAt(at(0, 1024, 1000))
			m.copies(at(0, 1024, 1000))
			m.exact(at(0, 1024, 1000), at(0, 1024, 1000), mb)
			wantNothing(t, m, after)
			if c := m.copies(after); c.Bytes.Present() {
				t.Errorf("copied %+v", c)
			}
			// The sizes recover: what was missed stays missed, until an exact reading.
			later := at(150*pmb, 1024, 1000)
			wantNothing(t, m, later)
			if c := m.copies(later); c.Bytes.Present() {
				t.Errorf("copied %+v", c)
			}
			m.exact(later, later, 200*mb)
			wantDirty(t, m, at(160*pmb, 1024, 1000), 210, fork.SourceCounters)
		})
	}
}

// Delay accounting counts copies whoever gives memory back.
func TestMeterTrustsAccounting(t *testing.T) {
	m := meterAt(at(0, 1024, 1000).withCopies(7, time.Millisecond))
	c := m.copies(at(500*pmb, 900, 800).withCopies(7+100*pmb, 251*time.Millisecond))
	if c.Bytes != opt.Of(uint64(100*mb)) || c.Source != fork.SourceTaskstats || c.Stall != opt.Of(0.25) {
		t.Errorf("copies %+v", c)
	}
}

// What was copied between the birth and its sight is counted from the Reading before.
func TestMeterStartsBeforeTheBirth(t *testing.T) {
	m := meterAt(at(0, 1024, 1000).withCopies(50, time.Millisecond))
	m.idle = opt.Of(at(0, 1024, 0).withCopies(7, 0))
	wantDirty(t, m, at(0, 1024, 1000).withCopies(7+2*pmb, time.Second), 2, fork.SourceCounters)
	if c := m.copies(at(0, 1024, 1000).withCopies(107, time.Second)); c.Bytes != opt.Of(uint64(100*page)) || c.Stall != opt.Of(1.0) {
		t.Errorf("copies %+v", c)
	}
}

// The kernel's count has 32 bits.
func TestMeterAccountingWraps(t *testing.T) {
	m := meterAt(at(0, 1024, 1000).withCopies(1<<32-10, 0))
	if c := m.copies(at(0, 1024, 1000).withCopies(15, time.Second)); c.Bytes != opt.Of(uint64(25*page)) {
		t.Errorf("copies %+v", c)
	}
}

func TestMeterPrefersTheCgroup(t *testing.T) {
	quiet := at(0, 1024, 0).withCgroup(1000, 997) // 3 MiB were charged elsewhere before the server moved here
	m := meterAt(at(0, 1024, 1000).withCgroup(1000, 1000))
	m.idle = opt.Of(quiet)
	wantDirty(t, m, at(0, 1024, 1000).withCgroup(900, 1147), 250, fork.SourceCgroup)
	m.idle = opt.Val[Reading]{} // another child lived before the birth: no zero
	wantDirty(t, m, at(0, 1024, 1000).withCgroup(900, 1150), 0, fork.SourceCounters)
}

// A server that was moved into its cgroup after it was filled brought memory
// along that the cgroup is not charged for.
func TestMeterCgroupBelowTheServer(t *testing.T) {
	m := meterAt(at(0, 1024, 1000))
	m.idle = opt.Of(at(0, 1024, 0).withCgroup(1000, 20))
	wantDirty(t, m, at(0, 1024, 1000).withCgroup(1000, 114), 94, fork.SourceCgroup)
}

func TestMeterDropsACgroupThatMisleads(t *testing.T) {
	m := meterAt(at(0, 1024, 1000))
	m.idle = opt.Of(at(0, 1024, 0).withCgroup(1000, 1000))
	m.exact(at(60*pmb, 1024, 1000).withCgroup(1000, 1130), at(60*pmb, 1024, 1000).withCgroup(1000, 1130), 60*mb) // 70 MiB are somebody else's
	wantDirty(t, m, at(70*pmb, 1024, 1000).withCgroup(1000, 1140), 70, fork.SourceCounters)
}

// What was copied before a child was first seen is not known.
func TestMeterPartial(t *testing.T) {
	birth := at(0, 1024, 1000).withCopies(10, 0)
	m := newMeter(page, 4, opt.Val[Reading]{}, birth, true)
	later := at(100*pmb, 1024, 1000).withCopies(10+100*pmb, time.Second)
	wantNothing(t, &m, later)
	if c := m.copies(later); c.Bytes.Present() || c.Stall.Present() || c.Faults.Present() {
		t.Errorf("copies %+v", c)
	}
	m.exact(later, later, 300*mb)
	wantDirty(t, &m, at(110*pmb, 1024, 1000).withCopies(10+110*pmb, time.Second), 310, fork.SourceCounters)
}

func TestMeterBelievesTheCountersWhileTheyAgree(t *testing.T) {
	m := meterAt(at(0, 1024, 1000))
	m.exact(at(0, 1024, 1000), at(0, 1024, 1000), mb)
	m.exact(at(100*pmb, 1024, 1000), at(100*pmb, 1024, 1000), 400*mb) // they said 101
	wantNothing(t, m, at(120*pmb, 1024, 1000))
	m.exact(at(200*pmb, 1024, 1000), at(200*pmb, 1024, 1000), 500*mb) // they say +100, as it is: but nobody was listening
	wantDirty(t, m, at(220*pmb, 1024, 1000), 520, fork.SourceCounters)
	m.exact(at(300*pmb, 1024, 1000), at(300*pmb, 1024, 1000), 601*mb) // within the error
	wantDirty(t, m, at(310*pmb, 1024, 1000), 611, fork.SourceCounters)
}

func TestMeterAccountingSwitchedOff(t *testing.T) {
	m := meterAt(at(0, 1024, 1000).withCopies(500, time.Second))
	c := m.copies(at(5000, 1024, 1000).withCopies(500, time.Second))
	if c.Bytes != opt.Of(uint64(5000*page)) || c.Source != fork.SourceCounters || c.Stall.Present() {
		t.Errorf("copies %+v", c)
	}
}

// A dying server's copies are shown twice for a moment.
func TestMeterDoubtsMoreCopiesThanFaults(t *testing.T) {
	m := meterAt(at(1000, 1024, 1000).withCopies(90_000, time.Second))
	if good := at(1000+50_000, 1024, 1000).withCopies(90_000+50_000, 2*time.Second); !m.plausible(good) {
		t.Error("as many copies as faults are not plausible")
	}
	if twice := at(1000+50_000, 1024, 1000).withCopies(2*(90_000+50_000), 4*time.Second); m.plausible(twice) {
		t.Error("more copies than faults are plausible")
	}
}

// Smaps takes a while to read: what is copied meanwhile makes it uncertain, and is no
// contradiction.
func TestMeterSlowExactReading(t *testing.T) {
	m := meterAt(at(0, 1024, 1000))
	m.exact(at(100*pmb, 1024, 1000), at(130*pmb, 1024, 1000), 102*mb)
	s, ok := m.sample(at(130*pmb, 1024, 1000)).Get()
	if !ok || s.PrivateDirty != 117*mb || s.Error.Or(0) < 15*mb {
		t.Errorf("private dirty %d ± %v (known: %v), want 117 MiB and at least 15 MiB of error", s.PrivateDirty, s.Error, ok)
	}
}

// A huge page is one fault and 512 pages of growth: how much was copied can't be
// told from faults, and what is said of private dirty memory is less sure.
func TestMeterHugeGrowth(t *testing.T) {
	birth := at(1000, 1024, 1000)
	copied := at(1000+100*pmb, 1024, 1000)
	grown := at(1000+100*pmb+10, 1044, 1000) // by 20 MiB, in 10 faults
	for _, huge := range []bool{false, true} {
		m := meterAt(birth)
		m.exact(copied, copied, 100*mb)
		if m.huge = hugeAbsent; huge {
			m.huge = hugePresent
		}
		if c := m.copies(copied); c.Bytes != opt.Of(uint64(100*mb)) {
			t.Errorf("huge %v: copied %v, want 100 MiB", huge, c.Bytes)
		}
		narrow, _ := m.sample(copied).Get()
		wide, _ := m.sample(grown).Get()
		if more := int64(wide.Error.Or(0)) - int64(narrow.Error.Or(0)); huge != (more >= 19*mb) {
			t.Errorf("huge %v: the error has become larger by %d bytes", huge, more)
		}
		if c := m.copies(grown); c.Bytes.Present() == huge {
			t.Errorf("huge %v: copied %v", huge, c.Bytes)
		}
	}
	m := meterAt(birth.withCopies(0, 0))
	m.huge = hugePresent
	if c := m.copies(grown.withCopies(100*pmb, time.Second)); c.Bytes != opt.Of(uint64(100*mb)) {
		t.Errorf("with delay accounting: copied %v, want 100 MiB", c.Bytes)
	}
}
