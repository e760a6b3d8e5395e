package watch

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// A reading of smaps makes the server wait, so there is one where it says something:
// at the first fork, whether it may be read at all; then when the counters have led
// far, every half minute, and every second where they may not be followed.
func TestWhenSmapsIsRead(t *testing.T) {
	const life = 25 * time.Second
	for name, c := range map[string]struct {
		small  bool   // no huge pages
		copies uint64 // bytes a second that the child's memory grows by
		lost   uint64 // of them, what no counter tells
		own    uint64 // and what the child writes to itself
		freed  uint64 // bytes a second that the server gives back
		once   uint64 // bytes that it gives back in the beginning
		churn  uint64 // bytes a second that it gives back and takes again, which delay accounting tells from copies
		life   time.Duration
		reads  [2]uint64 // at least and at most
	}{
		"nothing is written":           {small: true, reads: [2]uint64{0, 0}},
		"nothing for long":             {small: true, life: 95 * time.Second, reads: [2]uint64{3, 3}},
		"little is written":            {small: true, copies: mb, reads: [2]uint64{0, 0}},
		"much is written":              {small: true, copies: 10 * mb, reads: [2]uint64{2, 4}},                                         // 64 MiB are worth a check
		"nobody counts what is copied": {small: true, copies: 10 * mb, lost: 10 * mb, life: 40 * time.Second, reads: [2]uint64{9, 11}}, // found out after 30 s
		"the child copies itself":      {small: true, copies: mb, own: mb, reads: [2]uint64{21, 24}},
		"memory is given back":         {small: true, freed: 8 * mb, reads: [2]uint64{22, 25}},
		"given back once":              {small: true, once: 64 * mb, reads: [2]uint64{22, 25}},
		"too little to mislead":        {small: true, once: 3 * mb, reads: [2]uint64{1, 2}},
		"pages are given and taken":    {small: true, churn: 8 * mb, reads: [2]uint64{22, 25}},
		"there may be huge pages":      {reads: [2]uint64{24, 25}},
		"much is written, huge pages":  {copies: 10 * mb, reads: [2]uint64{24, 25}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.smallPages, w.pagesShut = c.small, true
				if c.churn > 0 {
					w.copies = 1
				}
				s := run(t, w)
				time.Sleep(2 * time.Second)
				reads := func() uint64 { return s.State().Totals.Reads[fork.SourceChildSmaps] }
				w.wholeSave(200, 3*time.Second)
				time.Sleep(2 * time.Second)
				if n := reads(); n == 0 || c.small && n > 1 {
					t.Fatalf("%d reads at the first fork", n)
				}
				before := reads()
				child, server := w.save(201, time.Millisecond), w.procs[serverPID]
				const step = 250 * time.Millisecond
				if c.life == 0 {
					c.life = life
				}
				for i := range int(c.life / step) {
					time.Sleep(step)
					server.set(func() {
						if i == 0 {
							child.dirty += c.once
							server.given += c.once
						}
						child.dirty += (c.copies + c.own + c.freed + c.churn) / 4
						child.faults += c.own / 4 / page
						server.faults += (c.copies - c.lost + c.churn) / 4 / page
						server.given += c.freed / 4
						w.copies += c.churn / 4 / page / 8 // some are copies
					})
				}
				if n := reads() - before; n < c.reads[0] || n > c.reads[1] {
					t.Errorf("%d reads of smaps in %s, want %v", n, c.life, c.reads)
				}
				if f := s.Forks()[0]; c.small && c.once+c.lost+c.freed+c.churn == 0 && uint64(len(f.Curve)) < uint64(c.life/time.Second) {
					t.Errorf("%d points", len(f.Curve))
				}
			})
		})
	}
}

// What is swapped out is known without a reading of smaps, and that there can be no
// huge pages.
func TestSwapWithoutSmaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.smallPages = true
		s := run(t, w)
		time.Sleep(2 * time.Second)
		w.wholeSave(199, time.Second)
		child := w.save(200, time.Millisecond)
		child.set(func() { child.swapped = 5 * mb })
		time.Sleep(1500 * time.Millisecond)
		child.set(func() { child.swapped = 3 * mb })
		time.Sleep(2 * time.Second)
		if got, _ := s.State().Children[0].Sample.Get(); got.Swap != opt.Of(uint64(3*mb)) || got.AnonymousHuge != opt.Of(uint64(0)) {
			t.Errorf("swapped %v, want 3 MiB, huge %v, want 0", got.Swap, got.AnonymousHuge)
		}
		if n := s.State().Totals.Reads[fork.SourceChildSmaps]; n != 1 {
			t.Errorf("smaps was read %d times, want once at the first fork", n)
		}
		if f := s.Forks()[0]; f.SwapPeakBytes != opt.Of(uint64(5*mb)) {
			t.Errorf("at most %v, want 5 MiB", f.SwapPeakBytes)
		}
	})
}

// A server keeps the huge pages that it has when the machine stops giving any: one
// reading of smaps has shown them, and every fork's first reading looks for them again.
func TestHugePagesFromBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.smallPages = true
		s := run(t, w)
		time.Sleep(2 * time.Second)
		for pid := 200; pid < 202; pid++ {
			w.wholeSave(pid, 2*time.Second, func(child *fakeProcess) { child.huge = 8 * mb })
		}
		for _, f := range s.Forks() {
			if f.AnonymousHugeBytes != opt.Of(uint64(8*mb)) {
				t.Errorf("%s: %v bytes of huge pages, want 8 MiB", f.ID, f.AnonymousHugeBytes)
			}
		}
	})
}
