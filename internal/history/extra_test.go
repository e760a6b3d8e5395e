package history_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/storetest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// second passes, in which so many keys are changed.
func second(s *storetest.Server, dirty uint64) {
	time.Sleep(time.Second)
	s.Up(redisinfo.Info{RunID: "r", ChangesSinceLastSave: opt.Of(dirty), LastSaveTime: opt.Of(int64(1))})
}

func extra(s *storetest.Server, id string, bytes uint64) {
	s.Extra(id, fork.Extra{Time: time.Now(), Bytes: bytes, Source: fork.SourceCgroup})
}

func TestExtraOverWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		second(s, 1000)
		second(s, 1100)
		time.Sleep(500 * time.Millisecond)
		id := begin(s, 1) // 50 more have been changed, as the next reply will tell
		time.Sleep(500 * time.Millisecond)
		s.Up(redisinfo.Info{RunID: "r", ChangesSinceLastSave: opt.Of(uint64(1200)), LastSaveTime: opt.Of(int64(1))})
		if n := len(s.Forks()[0].ExtraCurve); n != 0 {
			t.Fatalf("%d points without a reading", n)
		}
		extra(s, id, 5000)
		time.Sleep(500 * time.Millisecond)
		extra(s, id, 9000) // a peak between two replies
		time.Sleep(400 * time.Millisecond)
		extra(s, id, 7000)
		time.Sleep(100 * time.Millisecond)
		s.Up(redisinfo.Info{RunID: "r", ChangesSinceLastSave: opt.Of(uint64(1300)), LastSaveTime: opt.Of(int64(1))})
		second(s, 1400) // no reading since: no point
		time.Sleep(300 * time.Millisecond)
		extra(s, id, 8000)
		time.Sleep(100 * time.Millisecond)
		s.Died(id, time.Now())
		extra(s, id, 99_000) // of a dead child
		s.Up(redisinfo.Info{RunID: "r", ChangesSinceLastSave: opt.Of(uint64(300)), LastSaveTime: opt.Of(int64(2))})
		f := end(s, id, fork.KindRDB, fork.OutcomeOK)

		want := []fork.ExtraPoint{{Seconds: 1.4, Changes: 140, Bytes: 7000}, {Seconds: 2.8, Changes: 280, Bytes: 8000}}
		if len(f.ExtraCurve) != len(want) {
			t.Fatalf("curve %v, want %v", f.ExtraCurve, want)
		}
		for i, p := range f.ExtraCurve {
			if !near(p.Seconds, want[i].Seconds) || !approximately(p.Changes, want[i].Changes) || p.Bytes != want[i].Bytes {
				t.Errorf("point %d is %v, want %v", i, p, want[i])
			}
		}
		if f.ExtraPeakBytes != opt.Of(uint64(9000)) || f.ExtraSource != fork.SourceCgroup {
			t.Errorf("peak %v by %s", f.ExtraPeakBytes, f.ExtraSource)
		}
		if got := f.Changes.Or(-1); !approximately(got, 290) {
			t.Errorf("%v changes, want 290", got)
		}
		st := s.State()
		if st.Last[fork.KindRDB].ExtraPeakBytes != opt.Of(uint64(9000)) {
			t.Errorf("last: %v", st.Last[fork.KindRDB].ExtraPeakBytes)
		}
		if rate := st.WriteRate.Or(-1); !approximately(rate, 100) {
			t.Errorf("write rate %v", rate)
		}
	})
}

// A fork that lives for hours keeps a short curve, over all of its life.
func TestExtraCurveIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		second(s, 0)
		id := begin(s, 1)
		for i := range uint64(1000) {
			extra(s, id, i)
			second(s, i)
		}
		f := s.Forks()[0]
		first, last := f.ExtraCurve[0], f.ExtraCurve[len(f.ExtraCurve)-1]
		if n := len(f.ExtraCurve); n > track.MaxExtraPoints || n < track.MaxExtraPoints/2 || first.Seconds > 20 || last.Bytes != 999 {
			t.Errorf("%d points from %v to %v", n, first, last)
		}
	})
}

func TestExtraMissesTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		second(s, 0)
		id := begin(s, 1)
		extra(s, id, 5000)
		for i := range uint64(10) {
			second(s, i)
		}
		s.Died(id, time.Now())
		end(s, id, fork.KindRDB, fork.OutcomeOK)
		if got := s.State().Last[fork.KindRDB].ExtraPeakBytes; got.Present() {
			t.Errorf("a peak of %v, 10 s before the end", got)
		}
	})
}

func TestExtraOfAPartialFork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		second(s, 0)
		id := s.BornAs(track.Born{PID: 1, Start: time.Now(), Seen: time.Now(), Partial: true}, fork.KindUnknown)
		extra(s, id, 7) // since nobody knows when
		second(s, 10)
		s.Died(id, time.Now())
		if f := s.Forks()[0]; f.ExtraPeakBytes.Present() || len(f.ExtraCurve) > 0 || f.Changes.Present() {
			t.Errorf("extra memory of half a fork: %+v", f)
		}
	})
}

func TestLimitsWithRunningChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		room := func(cgroup, host uint64) {
			s.Happen(track.Limits{Limits: limits.Limits{At: time.Now(), CgroupSeen: true, Cgroup: opt.Of(limits.Limit{Left: cgroup}), Host: opt.Of(host)}})
		}
		room(500, 9000)
		if r := s.State().Limits; r.Returned != 0 || r.ReturnedTasks != 0 {
			t.Errorf("no child: %+v", r)
		}
		s.Process(1, opt.Val[time.Time]{})
		s.Happen(track.Memory{PageTables: opt.Of(uint64(3))})
		id := begin(s, 1)
		sample(s, id, 100)
		room(400, 8000)
		room(450, 7000)
		if r := s.State().Limits; r.Returned != 103 || r.ReturnedTasks != 1 || r.Cgroup.Or(limits.Limit{}).Left != 450 {
			t.Errorf("a child: %+v", r)
		}
		s.Died(id, time.Now())
		room(10, 10)
		if r := s.State().Limits; r.Returned != 0 || r.ReturnedTasks != 0 {
			t.Errorf("a dead child: %+v", r)
		}
		f := s.Forks()[0]
		if f.CgroupLeftBytes != opt.Of(uint64(400)) || f.HostLeftBytes != opt.Of(uint64(7000)) {
			t.Errorf("the least that was left: %v, %v", f.CgroupLeftBytes, f.HostLeftBytes)
		}
		s.Happen(track.Memory{Anonymous: opt.Of(uint64(100)), Huge: opt.Of(uint64(50))})
		time.Sleep(time.Second)
		s.Happen(track.Memory{Anonymous: opt.Of(uint64(130)), Huge: opt.Of(uint64(50))})
		if st := s.State(); st.AnonymousBytes != opt.Of(uint64(130)) || st.HugeBytes != opt.Of(uint64(50)) || !approximately(st.GrowthRate.Or(0), 30) {
			t.Errorf("state %+v", st)
		}
		s.Happen(track.Exited{At: time.Now()})
		if st := s.State(); st.AnonymousBytes.Present() || st.HugeBytes.Present() || st.GrowthRate.Present() || !st.Limits.At.IsZero() {
			t.Errorf("what a process that is gone left: %+v", st)
		}
	})
}

func TestRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		for i := range 30 {
			id := begin(s, i)
			kind := fork.KindRDB
			if i%10 == 0 {
				kind = fork.KindAOF
			}
			time.Sleep(time.Second)
			end(s, id, kind, fork.OutcomeOK)
		}
		recent := s.State().Recent
		of := map[fork.Kind]int{}
		for i, f := range recent {
			of[f.Kind]++
			if i > 0 && f.Start.After(recent[i-1].Start) {
				t.Errorf("not the newest first: %d", i)
			}
		}
		if of[fork.KindRDB] != track.RecentForks || of[fork.KindAOF] != 3 || recent[0].ChildPID != 29 {
			t.Errorf("%v of %d, the first is %d", of, len(recent), recent[0].ChildPID)
		}
	})
}

func approximately(a, b float64) bool { return math.Abs(a-b) < 1e-3 }
