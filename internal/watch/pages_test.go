package watch

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// freeing is a save during which the server frees memory: it becomes the child's
// without a copy, and no counter tells.
func freeing(t *testing.T, w *world, prepare func(child *fakeProcess), life time.Duration, change ...func(*Options)) *history.Server {
	t.Helper()
	s := run(t, w, change...)
	time.Sleep(2 * time.Second)
	child := w.save(200, time.Millisecond)
	child.set(func() { prepare(child) })
	server := w.procs[serverPID]
	for range int(life / (250 * time.Millisecond)) {
		time.Sleep(250 * time.Millisecond)
		server.set(func() {
			server.given += 8 << 20
			child.dirty += 8 << 20
		})
	}
	child.exit(0)
	time.Sleep(100 * time.Millisecond)
	child.reap()
	time.Sleep(3 * time.Second)
	return s
}

func pointsBy(f fork.Record, source fork.Source) []fork.Point {
	return slices.DeleteFunc(slices.Clone(f.Curve), func(p fork.Point) bool { return p.Source != source })
}

func TestPagesTellWhatIsFreed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.readCost = 40 * time.Millisecond // too dear to be read often
		s := freeing(t, w, func(*fakeProcess) {}, 10*time.Second)
		f := s.Forks()[0]
		points := pointsBy(f, fork.SourcePagemap)
		if len(points) < 25 {
			t.Fatalf("%d points by pages of %d", len(points), len(f.Curve))
		}
		for _, p := range points {
			truth := float64(p.Seconds*4) * (8 << 20)
			off := float64(p.Error.Or(0)) + 16<<20 // a step of the test, and the rounding to whole pages of 64
			if got := float64(p.PrivateDirty); got > truth+off || got < truth-off || !p.Error.Present() {
				t.Errorf("at %.2f s %.0f MB ± %.0f MB, want %.0f MB", p.Seconds, got/mb, off/mb, truth/mb)
			}
		}
		if w.pagesOpen != 0 {
			t.Errorf("%d samples are still open", w.pagesOpen)
		}
		if total := s.State().Totals; total.Reads[fork.SourcePagemap] < uint64(len(points)) {
			t.Errorf("%v reads", total.Reads)
		}
	})
}

// In a huge page the kernel shows the same for all of its pages: no sample.
func TestNoPagesWithHugePages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := freeing(t, newWorld(), func(child *fakeProcess) { child.huge = 2 << 20 }, 5*time.Second)
		if n := len(pointsBy(s.Forks()[0], fork.SourcePagemap)); n > 0 {
			t.Errorf("%d points by pages", n)
		}
	})
}

// Pages that contradict smaps are not believed again.
func TestPagesAreRefuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := run(t, w)
		time.Sleep(2 * time.Second)
		child := w.save(200, time.Millisecond)
		child.set(func() { child.dirty = 10 << 20 })
		server := w.procs[serverPID]
		time.Sleep(time.Second)
		server.set(func() { server.given = 64 << 20 })
		time.Sleep(time.Second)
		child.set(func() { child.lie = 200 << 20 }) // the pages don't show what smaps says
		time.Sleep(5 * time.Second)
		points := pointsBy(s.Forks()[0], fork.SourcePagemap)
		if len(points) == 0 || points[len(points)-1].Seconds > 3.5 {
			t.Errorf("%d points by pages, the last %+v", len(points), points[max(0, len(points)-1):])
		}
	})
}

func TestPagesDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := freeing(t, newWorld(), func(child *fakeProcess) { child.pagesErr = proc.ErrDenied }, 5*time.Second,
			func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		synctest.Wait()
		if s.State().Available[fork.SourcePagemap] || s.State().Totals.Reads[fork.SourcePagemap] != 1 {
			t.Errorf("available: %v, reads: %v", s.State().Available, s.State().Totals.Reads)
		}
		if remedy := words.ReadPages(words.TheExporter); strings.Count(log.String(), remedy) != 1 {
			t.Errorf("not said once: %q in\n%s", remedy, &log)
		}
	})
}

// What reads of pages cost is limited too: dear ones come less often.
func TestPagesArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.pagesCost = 10 * time.Millisecond
		const life = 10 * time.Second
		s := freeing(t, w, func(*fakeProcess) {}, life)
		total := s.State().Totals
		spent := total.ReadSeconds[fork.SourcePagemap]
		if spent > 0.01*life.Seconds() || spent < 0.003*life.Seconds() {
			t.Errorf("reads of pages took %.2f s of %s", spent, life)
		}
		if total.ReadsDeferred[fork.SourcePagemap] == 0 {
			t.Error("nothing was counted as deferred")
		}
	})
}
