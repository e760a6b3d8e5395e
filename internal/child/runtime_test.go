package child

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// served makes readings of a server half a second apart: its clients take so much
// time per second, and each page copied so much more.
func served(from Reading, steps int, perSecond, perPage time.Duration, pages func(step int) uint64) []Reading {
	out := []Reading{from}
	var exact time.Duration
	for i := range steps {
		last := out[len(out)-1]
		n := pages(i)
		exact += perSecond/2 + time.Duration(n)*perPage
		next := last
		next.at = last.at.Add(runStep)
		next.faults += n
		next.ran = opt.Of(from.ran.Or(0) + exact)
		out = append(out, next)
	}
	return out
}

func estimated(quiet, fork []Reading) (float64, bool) {
	s := newRunTime(quiet, fork[0], page)
	for _, r := range fork[1:] {
		s.add(r, page)
	}
	return s.stall(s.p - s.before.p)
}

func TestRunTimeTellsCopiesFromClients(t *testing.T) {
	start := Reading{at: time.Now(), resident: 1 << 30}
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
func TestRunTimeAfterATail(t *testing.T) {
	start := Reading{at: time.Now(), resident: 1 << 30}
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

func TestRunTimeKnowsWhenItCantTell(t *testing.T) {
	start := Reading{at: time.Now(), resident: 1 << 30}
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

// Clients that want now more and now less hide what the copies cost, if it is little.
func TestRunTimeUnderAnUnevenLoad(t *testing.T) {
	for _, c := range []struct {
		perPage time.Duration
		known   int // of 100
	}{{2 * time.Microsecond, 2}, {200 * time.Microsecond, 99}} {
		known := 0
		for seed := range uint64(100) {
			rng := rand.New(rand.NewPCG(1, seed))
			uneven := func(from Reading, steps int, pages func(step int) uint64) []Reading {
				out := []Reading{from}
				for i := range steps {
					clients := time.Duration(rng.Int64N(int64(200 * time.Millisecond)))
					out = append(out, served(out[i], 1, clients, c.perPage, func(int) uint64 { return pages(i) })[1])
				}
				return out
			}
			quiet := uneven(Reading{at: time.Now(), resident: 1 << 30}, 5, func(int) uint64 { return 0 })
			fork := uneven(quiet[5], 12, func(step int) uint64 { return uint64(2000 - 100*step) })
			if _, ok := estimated(quiet, fork); ok {
				known++
			}
		}
		if few := c.known < 50; few && known > c.known || !few && known < c.known {
			t.Errorf("%v a page: told in %d of 100 forks, want %d", c.perPage, known, c.known)
		}
	}
}

// Without the scheduler's figures nothing is told.
func TestRunTimeUnknown(t *testing.T) {
	quiet := served(Reading{at: time.Now(), resident: 1 << 30}, 5, 20*time.Millisecond, 0, func(int) uint64 { return 0 })
	fork := served(quiet[5], 12, 20*time.Millisecond, 40*time.Microsecond, func(step int) uint64 { return uint64(6000 - 100*step) })
	if _, ok := estimated(quiet, fork); !ok {
		t.Error("not told, though all is known")
	}
	for _, all := range [][]Reading{quiet, fork} {
		for i := range all {
			all[i].ran = opt.Val[time.Duration]{}
		}
	}
	if s, ok := estimated(quiet, fork); ok {
		t.Errorf("%v s by nothing", s)
	}
}

// Pages that a server that grows touches first are no copies.
func TestRunTimeLeavesGrowthOut(t *testing.T) {
	s := newRunTime(nil, Reading{at: time.Now(), resident: 1 << 30, ran: opt.Of(time.Second)}, page)
	s.add(Reading{at: s.last.at.Add(time.Second), resident: 1<<30 + 500*page, faults: 700, ran: opt.Of(2 * time.Second)}, page)
	if s.p != 200 {
		t.Errorf("%v pages, want 200", s.p)
	}
}

// What was read before one fork is no zero for the next.
func TestIdleReadingsBelongToOneFork(t *testing.T) {
	var q Idle
	now := time.Now()
	for i := range 10 {
		q.Add(Reading{at: now.Add(time.Duration(i) * time.Second)})
	}
	got := q.Take(now.Add(8500 * time.Millisecond))
	if len(got) != readingsKept-1 || !got[len(got)-1].at.Equal(now.Add(8*time.Second)) {
		t.Errorf("%d readings before the birth", len(got))
	}
	if again := q.Take(now.Add(20 * time.Second)); len(again) != 0 {
		t.Errorf("%d readings from before the fork before", len(again))
	}
}

// Pages of several prices, and clients who want more than before the fork, can't be told apart.
func TestRunTimeThatDoesNotAddUp(t *testing.T) {
	const clients = 100 * time.Millisecond
	none := func(int) uint64 { return 0 }
	copies := func(step int) uint64 { return uint64(6000 * math.Exp(-float64(step)/4)) }
	quiet := served(Reading{at: time.Now(), resident: 1 << 30}, 5, clients, 0, none)
	dear := served(quiet[5], 3, clients, 60*time.Microsecond, func(int) uint64 { return 3000 })
	cheap := served(dear[3], 12, clients, 2*time.Microsecond, copies)
	for name, fork := range map[string][]Reading{
		"pages dear at first": append(dear, cheap[1:]...),
		"a higher load":       served(quiet[5], 15, 3*clients, 5*time.Microsecond, copies),
		"a lower load":        served(quiet[5], 15, clients/3, 5*time.Microsecond, copies),
	} {
		if s, ok := estimated(quiet, fork); ok {
			t.Errorf("%s: %v s", name, s)
		}
	}
	if _, ok := estimated(quiet, served(quiet[5], 15, clients, 5*time.Microsecond, copies)); !ok {
		t.Error("the same with one price and one load is not told")
	}
}
