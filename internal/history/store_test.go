package history

import (
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

func TestServersAreSorted(t *testing.T) {
	store := New()
	if s := store.Snapshot(); s.Servers == nil || len(s.Servers) != 0 {
		t.Errorf("empty store: %+v", s)
	}
	for _, name := range []string{"b", "c", "a"} {
		store.AddServer(name, "addr-"+name)
	}
	store.SetHost(limits.Host{OvercommitMode: opt.Of(1)})
	s := store.Snapshot()
	if s.Host.OvercommitMode != opt.Of(1) {
		t.Errorf("host %+v", s.Host)
	}
	for i, want := range []string{"a", "b", "c"} {
		if got := s.Servers[i]; got.Name != want || got.Addr != "addr-"+want {
			t.Errorf("server %d is %s at %s, want %s", i, got.Name, got.Addr, want)
		}
	}
}

func TestStates(t *testing.T) {
	s := New().AddServer("s", "h")
	if st := s.State(); st.Asked || st.Up || st.Problem == "" || st.Info != nil {
		t.Errorf("before the first answer: %+v", st)
	}
	s.SetDown("connection refused")
	if st := s.State(); !st.Asked || st.Up || st.Problem != "connection refused" {
		t.Errorf("after none: %+v", st)
	}
	at := time.Now()
	s.SetInfo(redisinfo.Info{RunID: "r"}, at)
	if st := s.State(); !st.Asked || !st.Up || st.Problem != "" || st.Info.RunID != "r" || !st.InfoAt.Equal(at) {
		t.Errorf("after an answer: %+v", st)
	}
	s.SetDown("cut")
	if st := s.State(); st.Up || st.Info == nil || st.Info.RunID != "r" {
		t.Errorf("the last good reply is lost: %+v", st)
	}

	s.SetProcess(7, opt.Of(at))
	s.SetMemory(opt.Of(uint64(1)), opt.Of(uint64(2)))
	s.SetAvailable(fork.SourceChildSmaps, true)
	if st := s.State(); !st.Available[fork.SourceProcess] || !st.Available[fork.SourceChildSmaps] || st.PID != opt.Of(7) || st.ResidentBytes != opt.Of(uint64(1)) {
		t.Errorf("with a process: %+v", st)
	}
	s.SetNoProcess("it has ended")
	if st := s.State(); st.Available[fork.SourceProcess] || st.Available[fork.SourceChildSmaps] || st.PID.Present() || st.StartTime.Present() ||
		st.ResidentBytes.Present() || st.PageTableBytes.Present() || st.ProcessProblem != "it has ended" {
		t.Errorf("without one again: %+v", st)
	}
	s.SetProcess(8, opt.Val[time.Time]{})
	s.SetProcessProblem("no rights")
	if st := s.State(); st.ProcessProblem != "no rights" || st.StartTime.Present() {
		t.Errorf("with another process: %+v", st)
	}
}

func TestForksOfAllServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := New()
		a, b := store.AddServer("a", "a"), store.AddServer("b", "b")
		var ids []string
		for i, s := range []*Server{a, b, a, b} {
			id := begin(s, i)
			if i < 2 {
				s.Close(id)
			}
			ids = append(ids, id)
			time.Sleep(time.Second)
		}
		forks := store.Forks()
		if len(forks) != 4 {
			t.Fatalf("%d forks, want 4", len(forks))
		}
		for i, f := range forks {
			if f.ID != ids[3-i] {
				t.Errorf("fork %d is %s, want %s: newest first", i, f.ID, ids[3-i])
			}
			if same, ok := store.Fork(f.ID); !ok || same.ChildPID != f.ChildPID {
				t.Errorf("fork %s is found: %v, %+v", f.ID, ok, same)
			}
		}
		if _, ok := store.Fork("1-1"); ok {
			t.Error("found a fork that never was")
		}
	})
}

// A snapshot is the reader's own: what he does to it changes nothing, and what
// happens afterwards does not reach it.
func TestSnapshotCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := New()
		s := store.AddServer("s", "h")
		id := begin(s, 1)
		sample(s, id, 5)
		s.Update(id, func(f *fork.Record) { f.Reported = append(f.Reported, fork.Reported{COWBytes: 9}) })
		other := begin(s, 2)
		setOutcome(s, other, fork.KindRDB, fork.OutcomeFailed)
		s.Close(other)
		e := ReadErrors[0]

		mine := store.Snapshot().Servers[0]
		mine.Available[fork.SourceProcess] = true
		mine.Seen[fork.KindModule] = true
		mine.Last[fork.KindRDB] = LastFork{}
		mine.Children[0].Kind = fork.KindModule
		mine.Totals.Children[fork.KindRDB] = 99
		mine.Totals.Failed[fork.KindRDB][fork.ReasonExit] = 99
		mine.Totals.Cancelled[fork.KindRDB] = 99
		mine.Totals.ChildSeconds[fork.KindRDB] = 99
		mine.Totals.Refused[fork.KindRDB] = 99
		mine.Totals.ReadErrors[e] = 99
		mine.Totals.SamplerReads[fork.SourceChildSmaps] = 99
		mine.Totals.SamplerDeferred[fork.SourceChildSmaps] = 99
		mine.Totals.SamplerSeconds[fork.SourceChildSmaps] = 99
		mine.Totals.Stall.Observe(1)
		mine.Totals.PeakRatio.Observe(1)
		forks := store.Forks()
		forks[0], forks[1] = fork.Record{}, fork.Record{}

		st := store.Snapshot().Servers[0]
		total := st.Totals
		if st.Available[fork.SourceProcess] || st.Seen[fork.KindModule] || st.Last[fork.KindRDB].Outcome != fork.OutcomeFailed || st.Children[0].Kind != fork.KindUnknown {
			t.Errorf("the state is its reader's: %+v", st)
		}
		if total.Children[fork.KindRDB] != 1 || total.Failed[fork.KindRDB][fork.ReasonExit] != 1 || total.Cancelled[fork.KindRDB] != 0 ||
			total.ChildSeconds[fork.KindRDB] != 0 || total.Refused[fork.KindRDB] != 0 || total.ReadErrors[e] != 0 ||
			total.SamplerReads[fork.SourceChildSmaps] != 0 || total.SamplerDeferred[fork.SourceChildSmaps] != 0 || total.SamplerSeconds[fork.SourceChildSmaps] != 0 ||
			total.Stall.Count != 0 || total.PeakRatio.Count != 0 || total.Stall.Cumulative()[25] != 0 {
			t.Errorf("the totals are their reader's: %+v", total)
		}
		if again := store.Forks(); again[0].ID == "" || again[1].ID == "" {
			t.Errorf("the forks are their reader's: %+v", again)
		}

		s.CountRefused(fork.KindRDB, 3)
		s.CountReadError(e)
		s.CountSampler(fork.SourceChildSmaps, time.Second)
		s.CountDeferred(fork.SourceChildSmaps)
		s.CountUnobserved(4, 5)
		s.ObserveStall(1)
		if st.Totals.Refused[fork.KindRDB] != 0 || st.Totals.ReadErrors[e] != 0 || st.Totals.SamplerReads[fork.SourceChildSmaps] != 0 ||
			st.Totals.SamplerDeferred[fork.SourceChildSmaps] != 0 || st.Totals.UnobservedChild != 0 || st.Totals.Stall.Count != 0 {
			t.Errorf("a snapshot has changed: %+v", st.Totals)
		}
		now := s.State().Totals
		if now.Refused[fork.KindRDB] != 3 || now.ReadErrors[e] != 1 || now.SamplerReads[fork.SourceChildSmaps] != 1 || now.SamplerSeconds[fork.SourceChildSmaps] != 1 ||
			now.SamplerDeferred[fork.SourceChildSmaps] != 1 || now.UnobservedChild != 4 || now.UnobservedDuration != 5 || now.Stall.Count != 1 {
			t.Errorf("totals %+v", now)
		}
	})
}

// The server's own figure belongs to a running child and goes with it.
func TestReportedCOW(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New().AddServer("s", "h")
		id := begin(s, 1)
		start := time.Now()
		if st := s.State(); st.COW.Present() || !st.COWAt.IsZero() {
			t.Errorf("a figure out of nowhere: %+v", st.COW)
		}
		s.Update(id, func(f *fork.Record) {
			f.Reported = append(f.Reported, fork.Reported{Seconds: 1, COWBytes: 10}, fork.Reported{Seconds: 2.5, COWBytes: 20})
		})
		if st := s.State(); st.COW != opt.Of(fork.Reported{Seconds: 2.5, COWBytes: 20}) || !st.COWAt.Equal(start.Add(2500*time.Millisecond)) {
			t.Errorf("figure %+v of %v", st.COW, st.COWAt)
		}
		s.Died(id, time.Now())
		if st := s.State(); st.COW.Present() || !st.COWAt.IsZero() {
			t.Errorf("the figure has outlived its child: %+v", st.COW)
		}
	})
}

// One writes, many read; the race detector looks on.
func TestConcurrency(t *testing.T) {
	store := New()
	const servers, forks, points = 3, 20, 700
	var writers, readers sync.WaitGroup
	for i := range servers {
		s := store.AddServer(strconv.Itoa(i), "h")
		writers.Go(func() {
			for n := range forks {
				id := begin(s, n)
				for p := range points {
					sample(s, id, uint64(p))
				}
				s.Update(id, func(f *fork.Record) { f.Reported = append(f.Reported, fork.Reported{COWBytes: 1}) })
				s.SetInfo(redisinfo.Info{}, time.Now())
				s.Died(id, time.Now())
				setOutcome(s, id, fork.KindRDB, fork.OutcomeOK)
				s.Close(id)
			}
		})
	}
	done := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			last := make([]uint64, servers)
			for {
				select {
				case <-done:
					return
				default:
				}
				for i, st := range store.Snapshot().Servers {
					if n := st.Totals.Children[fork.KindRDB]; n < last[i] {
						t.Errorf("children went from %d to %d", last[i], n)
					} else {
						last[i] = n
					}
				}
				for _, f := range store.Forks() {
					peak := uint64(0)
					for _, p := range f.Curve {
						peak = max(peak, p.PrivateDirty)
					}
					if peak != f.PeakBytes.Or(0) {
						t.Errorf("peak %v of a curve whose highest point is %d", f.PeakBytes, peak)
					}
				}
				store.SetHost(limits.Host{})
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	for _, st := range store.Snapshot().Servers {
		if n := st.Totals.Children[fork.KindRDB]; n != forks {
			t.Errorf("%d children, want %d", n, forks)
		}
	}
}
