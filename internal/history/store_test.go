package history_test

import (
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/storetest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

func TestServersAreSorted(t *testing.T) {
	store := history.New()
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
	s := add()
	if st := s.State(); st.Asked || st.Up || st.Problem == "" || st.Info != nil {
		t.Errorf("before the first answer: %+v", st)
	}
	s.Down("connection refused")
	if st := s.State(); !st.Asked || st.Up || st.Problem != "connection refused" {
		t.Errorf("after none: %+v", st)
	}
	at := time.Now()
	s.Now = func() time.Time { return at }
	s.Up(redisinfo.Info{RunID: "r"})
	if st := s.State(); !st.Asked || !st.Up || st.Problem != "" || st.Info.RunID != "r" || !st.InfoAt.Equal(at) {
		t.Errorf("after an answer: %+v", st)
	}
	s.Down("cut")
	if st := s.State(); st.Up || st.Info == nil || st.Info.RunID != "r" {
		t.Errorf("the last good reply is lost: %+v", st)
	}

	s.Process(7, opt.Of(at))
	s.Happen(track.Memory{Resident: opt.Of(uint64(1)), PageTables: opt.Of(uint64(2))})
	if st := s.State(); !st.Available[fork.SourceProcess] || !st.Available[fork.SourceChildSmaps] || st.PID != opt.Of(7) || st.ResidentBytes != opt.Of(uint64(1)) {
		t.Errorf("with a process: %+v", st)
	}
	s.Happen(track.NotFound{Problem: "it has ended"})
	if st := s.State(); st.Available[fork.SourceProcess] || st.Available[fork.SourceChildSmaps] || st.PID.Present() || st.StartTime.Present() ||
		st.ResidentBytes.Present() || st.PageTableBytes.Present() || st.ProcessProblem != "it has ended" {
		t.Errorf("without one again: %+v", st)
	}
	s.Happen(track.Found{PID: 8, Problem: "no rights"})
	if st := s.State(); st.ProcessProblem != "no rights" || st.StartTime.Present() {
		t.Errorf("with another process: %+v", st)
	}
}

func TestForksOfAllServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := history.New()
		a, b := storetest.Add(store, "a"), storetest.Add(store, "b")
		var ids []string
		for i, s := range []*storetest.Server{a, b, a, b} {
			id := begin(s, i)
			if i < 2 {
				s.End(id, fork.OutcomeOK)
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
		store := history.New()
		s := storetest.Add(store, "s")
		id := begin(s, 1)
		sample(s, id, 5)
		s.Up(redisinfo.Info{CurrentCOWBytes: opt.Of(uint64(9)), TotalForks: opt.Of(uint64(1))})
		other := begin(s, 2)
		end(s, other, fork.KindRDB, fork.OutcomeFailed)
		e := track.ReadErrors[0]

		mine := store.Snapshot().Servers[0]
		mine.Available[fork.SourceTaskstats] = true
		mine.Seen[fork.KindModule] = true
		mine.Last[fork.KindRDB] = track.LastFork{}
		mine.Children[0].Kind = fork.KindModule
		mine.Totals.Children[fork.KindRDB] = 99
		mine.Totals.Failed[fork.KindRDB][fork.ReasonExit] = 99
		mine.Totals.Cancelled[fork.KindRDB] = 99
		mine.Totals.ChildSeconds[fork.KindRDB] = 99
		mine.Totals.Refused[fork.KindRDB] = 99
		mine.Totals.ReadErrors[e] = 99
		mine.Totals.Reads[fork.SourceChildSmaps] = 99
		mine.Totals.ReadsDeferred[fork.SourceChildSmaps] = 99
		mine.Totals.ReadSeconds[fork.SourceChildSmaps] = 99
		mine.Totals.Stall.Observe(1)
		mine.Totals.PeakRatio.Observe(1)
		forks := store.Forks()
		forks[0], forks[1] = fork.Record{}, fork.Record{}

		st := store.Snapshot().Servers[0]
		total := st.Totals
		if st.Available[fork.SourceTaskstats] || st.Seen[fork.KindModule] || st.Last[fork.KindRDB].Outcome != fork.OutcomeFailed || st.Children[0].Kind != fork.KindUnknown {
			t.Errorf("the state is its reader's: %+v", st)
		}
		if total.Children[fork.KindRDB] != 1 || total.Failed[fork.KindRDB][fork.ReasonExit] != 1 || total.Cancelled[fork.KindRDB] != 0 ||
			total.ChildSeconds[fork.KindRDB] != 0 || total.Refused[fork.KindRDB] != 0 || total.ReadErrors[e] != 0 ||
			total.Reads[fork.SourceChildSmaps] != 0 || total.ReadsDeferred[fork.SourceChildSmaps] != 0 || total.ReadSeconds[fork.SourceChildSmaps] != 0 ||
			total.Stall.Count != 0 || total.PeakRatio.Count != 0 || total.Stall.Cumulative()[25] != 0 {
			t.Errorf("the totals are their reader's: %+v", total)
		}
		if again := store.Forks(); again[0].ID == "" || again[1].ID == "" {
			t.Errorf("the forks are their reader's: %+v", again)
		}

		failed := redisinfo.Info{TotalForks: opt.Of(uint64(1)), RDBSaves: opt.Of(uint64(3)), LastBGSaveOK: opt.Of(false), LatestFork: opt.Of(time.Second)}
		s.Up(redisinfo.Info{TotalForks: opt.Of(uint64(1)), RDBSaves: opt.Of(uint64(0))})
		s.Up(failed)
		failed.TotalForks = opt.Of(uint64(5))
		s.Up(failed)
		s.Apply(track.Tick{}, time.Now().Add(time.Second))
		s.Happen(track.ReadFailed{ReadError: e})
		s.Happen(track.Point{Readings: fork.Readings{
			Reads:    []fork.Read{{Source: fork.SourceChildSmaps, Cost: time.Second}},
			Deferred: []fork.Source{fork.SourceChildSmaps},
		}})
		if st.Totals.Refused[fork.KindRDB] != 0 || st.Totals.ReadErrors[e] != 0 || st.Totals.Reads[fork.SourceChildSmaps] != 0 ||
			st.Totals.ReadsDeferred[fork.SourceChildSmaps] != 0 || st.Totals.UnobservedChild != 0 || st.Totals.Stall.Count != 0 {
			t.Errorf("a snapshot has changed: %+v", st.Totals)
		}
		now := s.State().Totals
		if now.Refused[fork.KindRDB] != 3 || now.ReadErrors[e] != 1 || now.Reads[fork.SourceChildSmaps] != 1 || now.ReadSeconds[fork.SourceChildSmaps] != 1 ||
			now.ReadsDeferred[fork.SourceChildSmaps] != 1 || now.UnobservedChild != 4 || now.UnobservedDuration != 5 || now.Stall.Count != 1 {
			t.Errorf("totals %+v", now)
		}
	})
}

// The server's own figure belongs to a running child and goes with it.
func TestReportedCOW(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		id := begin(s, 1)
		if st := s.State(); st.COW.Present() || !st.COWAt.IsZero() {
			t.Errorf("a figure out of nowhere: %+v", st.COW)
		}
		time.Sleep(5 * time.Second)
		for _, bytes := range []uint64{10, 20, 20} {
			s.Up(redisinfo.Info{CurrentCOWBytes: opt.Of(bytes), CurrentCOWAgeSeconds: opt.Of(int64(2))})
			time.Sleep(time.Second)
		}
		measured := time.Now().Add(-4500 * time.Millisecond) // asked 2 s ago, for what was 2 to 3 s old
		if st := s.State(); st.COW != opt.Of(fork.Reported{Seconds: 3.5, COWBytes: 20}) || !st.COWAt.Equal(measured) {
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
	store := history.New()
	const servers, forks, points = 3, 20, 700
	var writers, readers sync.WaitGroup
	for i := range servers {
		s := storetest.Add(store, strconv.Itoa(i))
		writers.Go(func() {
			for n := range forks {
				id := begin(s, n)
				for p := range points {
					sample(s, id, uint64(p))
				}
				s.Up(redisinfo.Info{CurrentCOWBytes: opt.Of(uint64(1))})
				end(s, id, fork.KindRDB, fork.OutcomeOK)
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
