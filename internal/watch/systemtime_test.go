package watch

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// served makes readings of a server half a second apart: its clients take so much
// system time per second, and each page copied so much more.
func served(from reading, steps int, perSecond, perPage time.Duration, pages func(step int) uint64) []reading {
	out := []reading{from}
	var exact time.Duration
	for i := range steps {
		last := out[len(out)-1]
		n := pages(i)
		exact += perSecond/2 + time.Duration(n)*perPage
		next := last
		next.at = last.at.Add(systemStep)
		next.faults += n
		next.system = from.system + exact/10e6*10e6 // as the kernel tells it: in ticks of 10 ms
		out = append(out, next)
	}
	return out
}

func estimated(quiet, fork []reading) (float64, bool) {
	s := newSystemTime(quiet, fork[0], page)
	for _, r := range fork[1:] {
		s.add(r, page)
	}
	return s.stall(s.pages)
}

func TestSystemTimeTellsCopiesFromClients(t *testing.T) {
	start := reading{at: time.Now(), resident: 1 << 30}
	none := func(int) uint64 { return 0 }
	fading := func(step int) uint64 { return uint64(3000 * math.Exp(-float64(step)/8)) }
	for _, c := range []struct{ perSecond, perPage time.Duration }{
		{20 * time.Millisecond, 40 * time.Microsecond},
		{300 * time.Millisecond, 40 * time.Microsecond},
		{300 * time.Millisecond, 4 * time.Microsecond},
	} {
		quiet := served(start, 5, c.perSecond, c.perPage, none)
		fork := served(quiet[len(quiet)-1], 30, c.perSecond, c.perPage, fading)
		pages := float64(fork[len(fork)-1].faults - fork[0].faults)
		want := pages * c.perPage.Seconds() * insideCopy
		got, ok := estimated(quiet, fork)
		if !ok || got < want/1.15 || got > want*1.15 {
			t.Errorf("%+v: %.3f s (known: %v), want %.3f s", c, got, ok, want)
		}
	}
}

// The tail of the fork before has faults too, that cost less.
func TestSystemTimeAfterATail(t *testing.T) {
	start := reading{at: time.Now(), resident: 1 << 30}
	const clients, perPage = 100 * time.Millisecond, 40 * time.Microsecond
	copies := func(step int) uint64 { return uint64(6000 - 100*step) }
	for name, c := range map[string]struct {
		tail  func(step int) uint64
		known bool
	}{
		"that has faded":     {func(step int) uint64 { return uint64(16000 >> (4 * step)) }, true},
		"that has not ended": {func(step int) uint64 { return uint64(8000 >> step) }, false},
	} {
		tail := served(start, 5, clients, 0, c.tail)
		fork := served(tail[len(tail)-1], 12, clients, perPage, copies)
		want := float64(fork[len(fork)-1].faults-fork[0].faults) * perPage.Seconds() * insideCopy
		if got, ok := estimated(tail, fork); ok != c.known || ok && (got < want/1.1 || got > want*1.1) {
			t.Errorf("%s: %.3f s (known: %v), want %.3f s", name, got, ok, want)
		}
	}
}

func TestSystemTimeKnowsWhenItCantTell(t *testing.T) {
	start := reading{at: time.Now(), resident: 1 << 30}
	even := func(int) uint64 { return 1000 }
	few := func(int) uint64 { return 3 }
	const clients, perPage = 100 * time.Millisecond, 10 * time.Microsecond
	if got, ok := estimated(nil, served(start, 20, clients, perPage, even)); ok {
		t.Errorf("%v of a load that never changes, with nothing from before the fork", got)
	}
	quiet := served(start, 4, clients, 0, func(int) uint64 { return 0 })
	if got, ok := estimated(quiet, served(quiet[4], 20, clients, perPage, few)); ok {
		t.Errorf("%v of hardly any copies", got)
	}
	if got, ok := estimated(quiet, served(quiet[4], 1, clients, perPage, func(int) uint64 { return 5000 })); ok {
		t.Errorf("%v of half a second", got)
	}
	free := func(int) uint64 { return uint64(rand.IntN(3000)) }
	if got, ok := estimated(quiet, served(quiet[4], 20, clients, 0, free)); ok && got > 0.05 {
		t.Errorf("%v of copies that cost nothing", got)
	}
}

// Pages that a server that grows touches first are no copies.
func TestSystemTimeLeavesGrowthOut(t *testing.T) {
	s := newSystemTime(nil, reading{at: time.Now(), resident: 1 << 30}, page)
	s.add(reading{at: s.last.at.Add(time.Second), resident: 1<<30 + 500*page, faults: 700}, page)
	if s.pages != 200 {
		t.Errorf("%v pages, want 200", s.pages)
	}
}

// What was read before one fork is no zero for the next.
func TestQuietReadingsBelongToOneFork(t *testing.T) {
	var p process
	now := time.Now()
	for i := range 10 {
		p.addQuiet(reading{at: now.Add(time.Duration(i) * time.Second)})
	}
	got := p.takeQuiet(now.Add(8500 * time.Millisecond))
	if len(got) != quietKept-1 || !got[len(got)-1].at.Equal(now.Add(8*time.Second)) {
		t.Errorf("%d readings before the birth", len(got))
	}
	if again := p.takeQuiet(now.Add(20 * time.Second)); len(again) != 0 {
		t.Errorf("%d readings from before the fork before", len(again))
	}
}
