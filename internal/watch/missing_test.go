package watch

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// saves lets the world save so many times, and returns what was logged at the level
// Info and above.
func saves(t *testing.T, w *world, times int, change ...func(*Options)) (*history.Server, string) {
	t.Helper()
	var log bytes.Buffer
	s := run(t, w, append(change, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })...)
	time.Sleep(2 * time.Second)
	for pid := 200; pid < 200+times; pid++ {
		child := w.save(pid, time.Millisecond)
		time.Sleep(2 * time.Second)
		child.exit(exitOK)
		child.reap()
		time.Sleep(2 * time.Minute) // long enough to look for what is missing again
	}
	synctest.Wait()
	return s, log.String()
}

// Without delay accounting everything else goes on, and what would bring it is said
// once.
func TestNoAccountingIsSaidOnce(t *testing.T) {
	for why, remedy := range map[error]string{
		taskstats.ErrDenied:      "CAP_NET_ADMIN",
		taskstats.ErrUnsupported: "CONFIG_TASKSTATS",
		taskstats.ErrVersion:     "Linux 5.19",
		child.ErrNoDelays:        "set kernel.task_delayacct=1 and then restart the server",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.unaccounted = why
			s, log := saves(t, w, 3)
			var said []string
			for line := range strings.Lines(log) {
				if strings.Contains(line, "The time that copies take is not known") {
					said = append(said, line)
				}
			}
			if len(said) != 1 || !strings.Contains(said[0], remedy) || !strings.Contains(said[0], why.Error()) {
				t.Errorf("%v: said %q, want once, and %q", why, said, remedy)
			}
			if s.State().Available[fork.SourceTaskstats] {
				t.Errorf("%v: taskstats is said to work", why)
			}
			for _, f := range s.Forks() {
				if f.Outcome != fork.OutcomeOK || len(f.Curve) < 5 || f.CopiedSource != fork.SourceCounters || f.CopyStallSeconds.Present() {
					t.Errorf("%v: record %+v", why, f)
				}
			}
		})
	}
}

// A child that was there before has no zero to count its copies from: that is not
// delay accounting that stands still.
func TestAccountingAfterAPartialFork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.copies = 10
		child := w.save(199, time.Millisecond)
		time.AfterFunc(time.Second, func() {
			child.exit(exitOK)
			child.reap()
		})
		s, log := saves(t, w, 1)
		if strings.Contains(log, "not known") || !s.State().Available[fork.SourceTaskstats] {
			t.Errorf("available: %v, said:\n%s", s.State().Available, log)
		}
		if f := s.Forks()[0]; f.Partial || f.CopiedSource != fork.SourceTaskstats || !f.CopyStallSeconds.Present() {
			t.Errorf("the fork after it: %+v", f)
		}
	})
}

func TestPagesShutAreSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.pagesShut = true
		s, log := saves(t, w, 2)
		if n := strings.Count(log, "The pages of the server's children can't be read"); n != 1 || !strings.Contains(log, words.ReadPages(words.TheExporter)) {
			t.Errorf("said %d times:\n%s", n, log)
		}
		if a := s.State().Available; a[fork.SourcePagemap] || !a[fork.SourceChildSmaps] {
			t.Errorf("available: %v", a)
		}
	})
}

// Without sampling, births, durations and outcomes are as ever, nobody's memory is
// read, and nothing is said to be missing.
func TestSamplingOff(t *testing.T) {
	for _, rights := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.copies = 10
			w.procs[serverPID].rights = rights
			s, log := saves(t, w, 2, func(o *Options) { o.Sampling = false })
			st := s.State()
			reads := uint64(w.accountedReads + w.pagesRead) // of the server's smaps, of pages
			for _, source := range track.TimedSources {
				reads += st.Totals.Reads[source]
			}
			for _, f := range s.Forks() {
				if f.Outcome != fork.OutcomeOK || !f.StallSeconds.Present() || len(f.Curve)+len(f.CopiedCurve) > 0 || f.CopiedBytes.Present() || f.Tail.Present() {
					t.Errorf("record %+v", f)
				}
			}
			if len(s.Forks()) != 2 || reads > 0 || st.ProcessProblem != "" {
				t.Errorf("%d forks, %d reads, problem %q", len(s.Forks()), reads, st.ProcessProblem)
			}
			for _, source := range []fork.Source{fork.SourceChildSmaps, fork.SourcePagemap, fork.SourceCgroup, fork.SourceTaskstats} {
				if st.Available[source] {
					t.Errorf("%s is said to work", source)
				}
			}
			if strings.Contains(log, "remedy") {
				t.Errorf("said:\n%s", log)
			}
		})
	}
}

// denseFor is how long a child has a point every 100 ms.
const denseFor = 30 * time.Second

// A point every 100 ms in the first 30 s of a child's life, then every second.
func TestDenseAndSparsePoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := run(t, w, func(o *Options) { o.SampleInterval = 100 * time.Millisecond })
		time.Sleep(2 * time.Second)
		child := w.save(200, time.Millisecond)
		time.Sleep(denseFor + 20*time.Second)
		child.exit(exitOK)
		child.reap()
		time.Sleep(time.Second)
		f := only(t, s)
		var dirty, copied [2]int // dense, sparse
		for _, p := range f.Curve {
			dirty[min(1, int(p.Seconds/denseFor.Seconds()))]++
		}
		for _, p := range f.CopiedCurve {
			copied[min(1, int(p.Seconds/denseFor.Seconds()))]++
		}
		for name, n := range map[string][2]int{"private dirty": dirty, "copied": copied} {
			if n[0] < 295 || n[0] > 302 || n[1] < 19 || n[1] > 22 {
				t.Errorf("%s: %d points in 30 s and %d in 20 s more, want one every 100 ms and every second", name, n[0], n[1])
			}
		}
	})
}
