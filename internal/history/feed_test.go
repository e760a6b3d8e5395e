package history_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/storetest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// stepped is what time.Now returns when the clock was set by a number of seconds:
// the wall clock is another, the monotonic reading goes on as if nothing had
// happened. No exported function makes such a time, and in a synctest bubble
// time.Now has no monotonic reading.
func stepped(at time.Time, seconds int64) time.Time {
	var out time.Time
	raw := (*struct { // as in package time
		wall uint64 // a flag, 33 bits of seconds since 1885, 30 bits of nanoseconds
		ext  int64  // the monotonic reading
		loc  *time.Location
	})(unsafe.Pointer(&out))
	since1885 := at.Unix() - time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC).Unix() + seconds
	raw.wall = 1<<63 | uint64(since1885)<<30 | uint64(at.Nanosecond())
	raw.ext = at.UnixNano()
	return out
}

func TestStepped(t *testing.T) {
	now := time.Now()
	a, b := stepped(now, 0), stepped(now.Add(time.Second), -3600)
	if !a.Round(0).Equal(now.Round(0)) || b.Sub(a) != time.Second || b.UnixMilli()-a.UnixMilli() != 1000-3600_000 {
		t.Fatalf("%v after %v, now %v", b, a, now)
	}
}

// feeder drives a server whose clock can be set.
type feeder struct {
	*testing.T
	store *history.Store
	*storetest.Server
	offset int64 // seconds that the clock was set by
	zero   int64
}

func newFeeder(t *testing.T) *feeder {
	store := history.New()
	f := &feeder{T: t, store: store, Server: storetest.Add(store, "s"), zero: time.Now().UnixMilli()}
	f.Process(1, opt.Val[time.Time]{})
	return f
}

func (f *feeder) now() time.Time { return stepped(time.Now(), f.offset) }

// born has a child be born; where it is the first one of a server of 900 bytes.
func (f *feeder) born(pid int) string {
	if len(f.State().Children) == 0 {
		f.Resident(900)
	}
	return f.BornAs(track.Born{PID: pid, Start: f.now(), Seen: f.now()}, fork.KindUnknown)
}

func (f *feeder) dirty(id string, bytes uint64) {
	f.Private(id, fork.Sample{Time: f.now(), Source: fork.SourceCounters, PrivateDirty: bytes})
}

func (f *feeder) copied(id string, bytes uint64) {
	f.Copies(id, fork.Copies{Time: f.now(), Bytes: opt.Of(bytes), Source: fork.SourceCounters})
}

func (f *feeder) line(l fork.Line) []history.FeedPoint { return f.store.Feeds()[0].Lines[l].Points }

// want compares a line; times are since the test's beginning.
func (f *feeder) want(l fork.Line, want ...history.FeedPoint) {
	f.Helper()
	var got []history.FeedPoint
	for _, p := range f.line(l) {
		got = append(got, history.FeedPoint{p.Millis - f.zero, p.Bytes})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.Errorf("line %d (-want +got):\n%s", l, diff)
	}
}

func (f *feeder) ascending() {
	f.Helper()
	for l := range fork.Lines {
		points := f.line(l)
		for i := 1; i < len(points); i++ {
			if points[i].Millis <= points[i-1].Millis {
				f.Fatalf("line %d: %d after %d", l, points[i].Millis, points[i-1].Millis)
			}
		}
	}
}

func TestFeedOfAFork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t)
		f.Resident(800) // no child: no point
		id := f.born(1)
		time.Sleep(100 * time.Millisecond)
		f.copied(id, 30)
		f.dirty(id, 20)
		time.Sleep(100 * time.Millisecond)
		f.Resident(950)
		f.copied(id, 70)
		f.dirty(id, 60)
		time.Sleep(50 * time.Millisecond)
		f.copied(id, 75)
		f.Died(id, f.now())
		time.Sleep(time.Second)
		f.Resident(990)
		f.copied(id, 80) // too late
		f.End(id, fork.OutcomeOK)
		f.want(fork.LinePrivateDirty, history.FeedPoint{-1, 0}, history.FeedPoint{100, 20}, history.FeedPoint{200, 60}, history.FeedPoint{250, 0})
		f.want(fork.LineCopied, history.FeedPoint{-1, 0}, history.FeedPoint{100, 30}, history.FeedPoint{200, 70}, history.FeedPoint{250, 75}, history.FeedPoint{251, 0})
		f.want(fork.LineResident, history.FeedPoint{0, 900}, history.FeedPoint{200, 950}, history.FeedPoint{250, 950})
	})
}

// What was not measured is not drawn, not even as two zeros.
func TestFeedWithoutSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t)
		id := f.Born(1, fork.KindUnknown)
		time.Sleep(time.Second)
		f.Copies(id, fork.Copies{Time: f.now()})
		f.Died(id, f.now())
		for l := range fork.Lines {
			f.want(l)
		}
	})
}

func TestFeedOfAPartialFork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t)
		start := f.now()
		time.Sleep(time.Hour)
		f.zero = time.Now().UnixMilli()
		id := f.BornAs(track.Born{PID: 1, Start: start, Seen: f.now(), Partial: true}, fork.KindUnknown)
		time.Sleep(100 * time.Millisecond)
		f.dirty(id, 20)
		f.Drop(id)
		f.want(fork.LinePrivateDirty, history.FeedPoint{100, 20}, history.FeedPoint{101, 0}) // what was before is not known to be 0
		f.want(fork.LineResident)
		// Followed again after its process was lost: its birth is long ago, its points are not.
		time.Sleep(time.Second)
		id = f.BornAs(track.Born{PID: 1, Start: start, Seen: f.now(), Partial: true}, fork.KindUnknown)
		f.dirty(id, 30)
		f.want(fork.LinePrivateDirty, history.FeedPoint{100, 20}, history.FeedPoint{101, 0}, history.FeedPoint{1100, 30})
	})
}

// A record's curve is thinned; the feed is not.
func TestFeedIsNotThinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t)
		id := f.born(1)
		for i := range 3 * track.MaxPoints {
			time.Sleep(100 * time.Millisecond)
			f.dirty(id, uint64(i))
		}
		if n := len(f.Forks()[0].Curve); n > track.MaxPoints {
			t.Errorf("the record has %d points: nothing was thinned", n)
		}
		if n := len(f.line(fork.LinePrivateDirty)); n != 3*track.MaxPoints+1 {
			t.Errorf("%d points, want %d and the zero before the birth", n, 3*track.MaxPoints)
		}
	})
}

func TestClockStepWithinAFork(t *testing.T) {
	for _, step := range []int64{-3600, 3600} {
		synctest.Test(t, func(t *testing.T) {
			f := newFeeder(t)
			id := f.born(1)
			time.Sleep(100 * time.Millisecond)
			f.dirty(id, 1)
			f.offset = step
			time.Sleep(100 * time.Millisecond)
			f.dirty(id, 2)
			f.Died(id, f.now().Add(time.Millisecond))
			f.want(fork.LinePrivateDirty, history.FeedPoint{-1, 0}, history.FeedPoint{100, 1}, history.FeedPoint{200, 2}, history.FeedPoint{201, 0})
		})
	}
}

// After a step back forks follow each other without a gap, as they are in
// themselves, until the clock has caught up.
func TestClockStepBetweenForks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t)
		life := func(pid int) {
			id := f.born(pid)
			time.Sleep(100 * time.Millisecond)
			f.dirty(id, uint64(pid))
			time.Sleep(100 * time.Millisecond)
			f.Died(id, f.now())
			f.End(id, fork.OutcomeOK)
		}
		life(1)
		f.offset = -10
		life(2)
		life(3)
		time.Sleep(10 * time.Second)
		life(4) // born at 10.6 s, by its clock at 0.6 s
		f.want(fork.LinePrivateDirty,
			history.FeedPoint{-1, 0}, history.FeedPoint{100, 1}, history.FeedPoint{200, 0},
			history.FeedPoint{201, 0}, history.FeedPoint{302, 2}, history.FeedPoint{402, 0},
			history.FeedPoint{403, 0}, history.FeedPoint{504, 3}, history.FeedPoint{604, 0},
			history.FeedPoint{605, 0}, history.FeedPoint{706, 4}, history.FeedPoint{806, 0})
		f.zero += 60_000
		f.offset = 0
		time.Sleep(50 * time.Second)
		life(5)
		points := f.line(fork.LinePrivateDirty)
		if got := points[len(points)-2].Millis; got != time.Now().UnixMilli()-100 {
			t.Errorf("the clock has caught up, and the point is %d ms off", got-time.Now().UnixMilli()+100)
		}
		f.ascending()
	})
}

func TestFeedAlwaysAscends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t)
		random := rand.New(rand.NewPCG(1, 2))
		var open []string
		for i := range 5000 {
			time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond)
			if random.IntN(50) == 0 {
				f.offset = random.Int64N(600) - 300
			}
			if len(open) == 0 || random.IntN(20) == 0 {
				open = append(open, f.born(i))
			}
			k := random.IntN(len(open))
			id := open[k]
			switch random.IntN(20) {
			case 0:
				f.Died(id, f.now())
			case 1:
				f.Drop(id)
				open = append(open[:k], open[k+1:]...)
			case 2:
				f.Resident(uint64(i))
			default:
				f.dirty(id, uint64(i))
				f.copied(id, uint64(i))
			}
		}
		f.ascending()
		for l := range fork.Lines {
			if len(f.line(l)) < 100 {
				t.Errorf("line %d has %d points: nothing was tried", l, len(f.line(l)))
			}
		}
	})
}

func TestFeedOfTwoChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t)
		a := f.born(1)
		time.Sleep(100 * time.Millisecond)
		f.dirty(a, 10)
		b := f.born(2)
		time.Sleep(100 * time.Millisecond)
		f.dirty(b, 77)
		f.dirty(a, 20)
		time.Sleep(100 * time.Millisecond)
		f.Died(a, f.now())
		time.Sleep(100 * time.Millisecond)
		f.dirty(b, 88)
		f.Died(b, f.now())
		points := f.line(fork.LinePrivateDirty)
		values := make([]uint64, 0, len(points))
		for _, p := range points {
			values = append(values, p.Bytes)
		}
		if diff := cmp.Diff([]uint64{0, 10, 20, 0, 0, 88, 0}, values); diff != "" {
			t.Error(diff)
		}
		f.ascending()
	})
}

func TestFeedOfWhatWasNoFork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t)
		id := f.born(1)
		time.Sleep(10 * time.Millisecond)
		f.dirty(id, 20)
		time.Sleep(10 * time.Millisecond)
		f.Drop(id)
		f.want(fork.LinePrivateDirty, history.FeedPoint{-1, 0}, history.FeedPoint{10, 20}, history.FeedPoint{20, 0})
	})
}

func TestFeedForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t)
		id := f.born(1)
		for range 40 * 60 { // minutes
			time.Sleep(time.Second)
			f.dirty(id, 1)
		}
		now := time.Now().UnixMilli()
		got := f.store.Feeds()[0].Lines[fork.LinePrivateDirty]
		if len(got.Points) != 1801 || got.Points[0].Millis != now-history.FeedTime.Milliseconds() {
			t.Errorf("%d points from %d ms ago", len(got.Points), now-got.Points[0].Millis)
		}
		if got.End() != 2401 {
			t.Errorf("End %d, want 2401: 2400 points and the zero before the birth", got.End())
		}
		time.Sleep(history.FeedTime + time.Millisecond)
		old := got.Points[0]
		// Nobody reads, and no child writes: it is forgotten all the same.
		f.Died(id, f.now())
		time.Sleep(history.FeedTime + time.Second)
		f.Resident(1)
		f.Happen(track.Second{})
		if history.KeepsPoints(f.Server.Server, fork.LinePrivateDirty) {
			t.Error("memory of a quiet server is kept")
		}
		if end := f.store.Feeds()[0].Lines[fork.LinePrivateDirty].End(); end != 2402 {
			t.Errorf("End %d, want 2402: a number is never used again", end)
		}
		if got.Points[0] != old {
			t.Error("points that were handed out have changed")
		}
	})
}

func TestFeedIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeeder(t)
		id := f.born(1)
		for i := range history.MaxFeedPoints + 1000 {
			time.Sleep(time.Millisecond)
			f.dirty(id, uint64(i))
		}
		got := f.store.Feeds()[0].Lines[fork.LinePrivateDirty]
		if len(got.Points) != history.MaxFeedPoints || got.First != 1001 || got.Points[history.MaxFeedPoints-1].Bytes != history.MaxFeedPoints+999 {
			t.Errorf("%d points from number %d", len(got.Points), got.First)
		}
	})
}
