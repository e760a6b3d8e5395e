package watch

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// The tail is counted from the child's death until it has faded.
func TestTail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.smallPages = true
		s := run(t, w)
		server := w.procs[serverPID]
		time.Sleep(2500 * time.Millisecond)
		child := w.save(200, time.Millisecond)
		child.set(func() { child.title = "redis-rdb-bgsave" })
		time.Sleep(2 * time.Second)
		child.exit(exitOK)
		child.reap()
		for n := uint64(1 << 14); n > 0; n /= 2 { // halves each second
			time.Sleep(500 * time.Millisecond)
			server.set(func() { server.faults += n })
			time.Sleep(500 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		tail, ok := only(t, s).Tail.Get()
		if !ok || tail.Truncated || tail.Seconds < 5.5 || tail.Seconds > 6.5 || tail.Faults < 1<<14+1<<13+1<<12+1<<11+1<<10 {
			t.Errorf("tail %+v, known: %v; want one that fades below 5 %% after 6 s", tail, ok)
		}
		if want := serverSize/5/page*page - tail.Faults*page; tail.Left != opt.Of(want) {
			t.Errorf("%v bytes left, want %d: all that were shared, and a page less for each fault", tail.Left, want)
		}
		total := s.State().Totals
		if total.TailFaults != tail.Faults || total.CopyFaults != 0 {
			t.Errorf("write faults: copy %d, tail %d; the record has %d", total.CopyFaults, total.TailFaults, tail.Faults)
		}
		if last := s.State().Last[fork.KindRDB]; last.TailSeconds != opt.Of(tail.Seconds) {
			t.Errorf("last tail %v", last.TailSeconds)
		}
	})
}

// The next fork cuts a tail off.
func TestTailIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := run(t, w)
		server := w.procs[serverPID]
		time.Sleep(2500 * time.Millisecond)
		for pid := range 2 {
			child := w.save(200+pid, time.Millisecond)
			time.Sleep(time.Second)
			child.exit(exitOK)
			child.reap()
			for range 4 {
				time.Sleep(500 * time.Millisecond)
				server.set(func() { server.faults += 1000 })
				time.Sleep(500 * time.Millisecond)
			}
			time.Sleep(200 * time.Millisecond)
		}
		forks := s.Forks()
		tail, ok := forks[1].Tail.Get()
		if !ok || !tail.Truncated || tail.Seconds < 4 || tail.Seconds > 4.5 {
			t.Errorf("tail %+v, known: %v; want one of 4.2 s, cut off", tail, ok)
		}
		if forks[0].Tail.Present() {
			t.Errorf("the newest fork's tail has not ended: %+v", forks[0].Tail)
		}
	})
}

// A tail that does not fade is given up after a minute.
func TestTailThatDoesNotFade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		f, _ := tailed(t, w, func(server *fakeProcess) { server.faults += 1000 })
		tail, ok := f.Tail.Get()
		if limit := time.Minute.Seconds(); !ok || !tail.Truncated || tail.Seconds < limit || tail.Seconds > limit+1 {
			t.Errorf("tail %+v, known: %v; want one that is cut off after a minute", tail, ok)
		}
		if tail.Faults < 59_000 || tail.Faults > 61_000 {
			t.Errorf("%d faults, want 1,000 a second", tail.Faults)
		}
	})
}

// Before Linux 6.15 what was part of a huge page is copied in the tail. Where copies
// are counted, these are no faults of the tail's kind.
func TestTailWithoutItsCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.copies = 10
		f, s := tailed(t, w, func(server *fakeProcess) {
			server.faults += 1000
			w.copies += 300
		})
		tail, ok := f.Tail.Get()
		if !ok || tail.Faults < 700*59 || tail.Faults > 700*61 {
			t.Errorf("tail %+v, known: %v; want 700 faults a second", tail, ok)
		}
		if total := s.State().Totals.TailFaults; total != tail.Faults {
			t.Errorf("%d faults in all", total)
		}
	})
}

// tailed is a fork whose tail goes on for 70 s, with so many writes a second.
func tailed(t *testing.T, w *world, writes func(server *fakeProcess)) (fork.Record, *history.Server) {
	t.Helper()
	s := run(t, w)
	time.Sleep(2500 * time.Millisecond)
	child := w.save(200, time.Millisecond)
	time.Sleep(2 * time.Second)
	child.exit(exitOK)
	child.reap()
	server := w.procs[serverPID]
	for range 70 {
		time.Sleep(500 * time.Millisecond)
		server.set(func() { writes(server) })
		time.Sleep(500 * time.Millisecond)
	}
	return only(t, s), s
}
