package history_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/storetest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// begin opens a record of a whole fork that is born now.
func begin(s *storetest.Server, pid int) string { return s.Born(pid, fork.KindUnknown) }

func add() *storetest.Server { return storetest.Add(history.New(), "s") }

func sample(s *storetest.Server, id string, dirty uint64) {
	s.Private(id, fork.Sample{Time: time.Now(), Source: fork.SourceChildSmaps, PrivateDirty: dirty})
}

// end ends a fork of that kind.
func end(s *storetest.Server, id string, kind fork.Kind, o fork.Outcome) fork.Record {
	s.Titled(id, kind)
	return s.End(id, o)
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 }

func TestID(t *testing.T) {
	start := time.UnixMilli(1700000000123)
	if got := fork.ID(start, 42); got != "1700000000123-42" {
		t.Errorf("ID %s", got)
	}
	if fork.ID(start, 1) == fork.ID(start, 2) || fork.ID(start, 1) >= fork.ID(start.Add(time.Millisecond), 1) {
		t.Error("IDs are not unique or do not sort by time")
	}
}

// All that Close owes: one observation in each counter and histogram, the last_*
// group, and the record in the ring.
func TestCloseObservesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		s.Process(1, opt.Val[time.Time]{})
		s.Resident(1000)
		counted := func(forks uint64) redisinfo.Info {
			return redisinfo.Info{TotalForks: opt.Of(forks), LatestFork: opt.Of(250 * time.Millisecond), RDBLastCOWBytes: opt.Of(uint64(7))}
		}
		s.Up(counted(0))
		id := s.Born(1, fork.KindRDB)
		s.Up(counted(1))
		time.Sleep(time.Second)
		sample(s, id, 300)
		sample(s, id, 200)
		time.Sleep(time.Second)
		s.Died(id, time.Now())
		want := s.Forks()[0]
		want.Outcome, want.Signal = fork.OutcomeKilled, opt.Of("SIGSEGV")
		if got := s.End(id, fork.OutcomeKilled); !reflect.DeepEqual(got, want) {
			t.Errorf("closed %+v, want %+v", got, want)
		}
		for range 2 { // the second end has nothing to close
			total := s.State().Totals
			if total.Children[fork.KindRDB] != 1 || total.Failed[fork.KindRDB][fork.ReasonSignal] != 1 || total.Cancelled[fork.KindRDB] != 0 {
				t.Errorf("counters %+v", total)
			}
			if total.Stall.Count != 1 || total.Stall.Sum != 0.25 || total.ForkedBytes != 1000 {
				t.Errorf("stall %+v, %d bytes forked", total.Stall, total.ForkedBytes)
			}
			if total.PeakRatio.Count != 1 || total.PeakRatio.Sum != 0.3 {
				t.Errorf("peak ratio %+v", total.PeakRatio)
			}
			if n := len(s.Forks()); n != 1 {
				t.Errorf("%d forks", n)
			}
			s.End(id, fork.OutcomeKilled)
		}
		wantLast := track.LastFork{
			ID: id, Start: want.Start, Outcome: fork.OutcomeKilled, StallSeconds: opt.Of(0.25), LifetimeSeconds: opt.Of(2.0),
			ResidentBytes: opt.Of(uint64(1000)), PeakBytes: opt.Of(uint64(300)),
		}
		if last := s.State().Last; len(last) != 1 || last[fork.KindRDB] != wantLast {
			t.Errorf("last %+v, want %+v", last, wantLast)
		}
	})
}

func TestOutcomesAreCounted(t *testing.T) {
	for outcome, reason := range map[fork.Outcome]fork.Reason{
		fork.OutcomeOK: "", fork.OutcomeUnknown: "", fork.OutcomeCancelled: "",
		fork.OutcomeFailed: fork.ReasonExit, fork.OutcomeKilled: fork.ReasonSignal, fork.OutcomeOOM: fork.ReasonOOM, fork.OutcomeServerDied: fork.ReasonServerDied,
	} {
		s := add()
		id := begin(s, 1)
		end(s, id, fork.KindAOF, outcome)
		total := s.State().Totals
		if total.Children[fork.KindAOF] != 1 {
			t.Errorf("%s: %d children", outcome, total.Children[fork.KindAOF])
		}
		for _, r := range fork.Reasons {
			if got, want := total.Failed[fork.KindAOF][r] == 1, r == reason; got != want {
				t.Errorf("%s: failed{reason=%s} counted: %v, want %v", outcome, r, got, want)
			}
		}
		if got, want := total.Cancelled[fork.KindAOF] == 1, outcome == fork.OutcomeCancelled; got != want {
			t.Errorf("%s: cancelled: %v", outcome, got)
		}
		if total.Stall.Count != 0 || total.PeakRatio.Count != 0 {
			t.Errorf("%s: observed what was not known: %+v", outcome, total)
		}
	}
}

// What is not known in full is in no histogram.
func TestPartial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		born := time.Now()
		time.Sleep(time.Minute)
		s.Process(1, opt.Val[time.Time]{})
		s.Resident(100)
		id := s.BornAs(track.Born{PID: 1, Start: born, Seen: time.Now(), Partial: true}, fork.KindRDB)
		time.Sleep(2 * time.Second)
		sample(s, id, 50)
		s.Died(id, time.Now())
		f := end(s, id, fork.KindRDB, fork.OutcomeOK)
		total := s.State().Totals
		if total.PeakRatio.Count != 0 || total.Stall.Count != 0 {
			t.Errorf("histograms of a partial fork: %+v", total)
		}
		if total.Children[fork.KindRDB] != 1 || !near(total.ChildSeconds[fork.KindRDB], 2) {
			t.Errorf("%d children, %v s; want 1 child and the 2 s that were seen", total.Children[fork.KindRDB], total.ChildSeconds[fork.KindRDB])
		}
		if !near(f.LifetimeSeconds.Or(0), 62) || !near(f.Curve[0].Seconds, 62) || f.PeakBytes != opt.Of(uint64(50)) {
			t.Errorf("record %+v, want times since birth", f)
		}
		if !f.End().Equal(born.Add(62 * time.Second)) {
			t.Errorf("end %v", f.End())
		}
	})
}

func TestPeakRatioNeedsBoth(t *testing.T) {
	for _, test := range []struct {
		name           string
		resident, peak opt.Val[uint64]
		want           uint64
	}{
		{"both", opt.Of(uint64(10)), opt.Of(uint64(5)), 1},
		{"a peak of 0", opt.Of(uint64(10)), opt.Of(uint64(0)), 1},
		{"no peak", opt.Of(uint64(10)), opt.Val[uint64]{}, 0},
		{"no resident bytes", opt.Val[uint64]{}, opt.Of(uint64(5)), 0},
		{"resident bytes of 0", opt.Of(uint64(0)), opt.Of(uint64(5)), 0},
	} {
		s := add()
		s.Process(1, opt.Val[time.Time]{})
		s.Happen(track.Memory{Resident: test.resident})
		id := begin(s, 1)
		if peak, ok := test.peak.Get(); ok {
			sample(s, id, peak)
		}
		s.End(id, fork.OutcomeOK)
		if got := s.State().Totals.PeakRatio; got.Count != test.want || math.IsNaN(got.Sum) || math.IsInf(got.Sum, 0) {
			t.Errorf("%s: %+v, want %d observations", test.name, got, test.want)
		}
	}
}

// The bytes of a stall are those of its fork, else the server's, else INFO's.
func TestForkedBytes(t *testing.T) {
	s := add()
	forked := func() uint64 { return s.State().Totals.ForkedBytes }
	reply := func(forks uint64) redisinfo.Info {
		return redisinfo.Info{TotalForks: opt.Of(forks), LatestFork: opt.Of(time.Second), UsedMemoryRSS: opt.Of(uint64(1))}
	}
	// unseen is a fork whose child nobody sees.
	unseen := func(forks uint64) {
		s.Up(reply(forks))
		s.Apply(track.Tick{}, time.Now().Add(time.Second)) // later than a child may be seen
	}
	s.Up(reply(0))
	unseen(1)
	s.Process(1, opt.Val[time.Time]{})
	s.Up(reply(1))
	s.Resident(10)
	unseen(2)
	s.Resident(100)
	id := begin(s, 1)
	s.Up(reply(3))
	s.Resident(1000)
	s.End(id, fork.OutcomeOK)
	if forked() != 111 {
		t.Errorf("%d bytes forked, want 1 + 10 + 100", forked())
	}
	if n := s.State().Totals.Stall.Count; n != 3 {
		t.Errorf("%d stalls, want 3", n)
	}
}

func TestDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		id, other := begin(s, 1), begin(s, 2)
		time.Sleep(time.Second)
		sample(s, id, 5)
		s.Drop(id)
		s.Drop("no such fork")
		sample(s, id, 5)
		if f := s.End(id, fork.OutcomeOK); f.ID != "" {
			t.Error("a dropped record was closed")
		}
		total := s.State().Totals
		if total.Children[fork.KindUnknown] != 0 || total.PeakRatio.Count != 0 {
			t.Errorf("a dropped record was counted: %+v", total)
		}
		if forks := s.Forks(); len(forks) != 1 || forks[0].ID != other {
			t.Errorf("forks %+v, want the other only", forks)
		}
		if children := s.State().Children; len(children) != 1 {
			t.Errorf("%d children, want the other only", len(children))
		}
	})
}

func TestDiedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		id := begin(s, 1)
		time.Sleep(3 * time.Second)
		sample(s, id, 5)
		s.Died(id, time.Now())
		time.Sleep(time.Hour)
		s.Died(id, time.Now())
		sample(s, id, 1000) // a reading that comes too late
		if children := s.State().Children; len(children) != 0 {
			t.Errorf("a dead child runs: %+v", children)
		}
		f := end(s, id, fork.KindRDB, fork.OutcomeOK)
		if !near(f.LifetimeSeconds.Or(0), 3) || len(f.Curve) != 1 || f.PeakBytes != opt.Of(uint64(5)) {
			t.Errorf("record %+v", f)
		}
		if seconds := s.State().Totals.ChildSeconds; !near(seconds[fork.KindUnknown]+seconds[fork.KindRDB], 3) {
			t.Errorf("child seconds %v, want 3 in all", seconds)
		}
	})
}

// The kind becomes known late and may change again: the time that was counted
// under another stays there, because counters go up only.
func TestChildSecondsNeverGoDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		before := map[fork.Kind]float64{}
		check := func() {
			t.Helper()
			now := s.State().Totals.ChildSeconds
			for k, v := range before {
				if now[k] < v {
					t.Errorf("child_seconds{kind=%s} went from %v to %v", k, v, now[k])
				}
			}
			before = now
		}
		id := begin(s, 1)
		for i, kind := range []fork.Kind{fork.KindUnknown, fork.KindRDB, fork.KindReplication, fork.KindRDB, fork.KindModule} {
			s.Titled(id, kind)
			check()
			time.Sleep(time.Duration(i+1) * time.Second)
			if i%2 == 0 {
				check()
			}
		}
		s.Died(id, time.Now().Add(-500*time.Millisecond)) // earlier than what is counted already
		check()
		s.End(id, fork.OutcomeOK)
		time.Sleep(time.Minute)
		check()
		want := map[fork.Kind]float64{fork.KindUnknown: 1, fork.KindRDB: 2 + 4, fork.KindReplication: 3, fork.KindModule: 5, fork.KindAOF: 0}
		for k, v := range want {
			if !near(before[k], v) {
				t.Errorf("child_seconds{kind=%s} = %v, want %v", k, before[k], v)
			}
		}
	})
}

func TestSeenKinds(t *testing.T) {
	s := add()
	want := func(kinds ...fork.Kind) {
		t.Helper()
		st := s.State()
		for _, k := range fork.Kinds {
			seen := slices.Contains(kinds, k)
			_, counted := st.Totals.Children[k]
			_, seconds := st.Totals.ChildSeconds[k]
			if st.Seen[k] != seen || counted != seen || seconds != seen || (len(st.Totals.Failed[k]) == len(fork.Reasons)) != seen {
				t.Errorf("kind %s: seen %v, counters %v, want both %v", k, st.Seen[k], counted, seen)
			}
		}
	}
	want(fork.KindRDB, fork.KindAOF, fork.KindReplication)
	id := begin(s, 1)
	want(fork.KindRDB, fork.KindAOF, fork.KindReplication) // every fork is unknown in its first moment
	end(s, id, fork.KindModule, fork.OutcomeOK)
	want(fork.KindRDB, fork.KindAOF, fork.KindReplication, fork.KindModule)
	id = begin(s, 2)
	end(s, id, fork.KindModule, fork.OutcomeOK)
	if n := s.State().Totals.Children[fork.KindModule]; n != 2 {
		t.Errorf("%d module forks, want 2: being seen again must not reset a counter", n)
	}
}

func TestRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		const n = 2*history.RingSize + 7
		for i := range n {
			id := begin(s, i)
			end(s, id, fork.KindRDB, fork.OutcomeOK)
			time.Sleep(time.Second)
		}
		running := begin(s, n)
		forks := s.Forks()
		if len(forks) != history.RingSize+1 || forks[0].ID != running {
			t.Fatalf("%d forks, the newest %s; want the ring's %d and the running one", len(forks), forks[0].ID, history.RingSize)
		}
		for i, f := range forks {
			if f.ChildPID != n-i {
				t.Fatalf("fork %d is of child %d, want %d: newest first", i, f.ChildPID, n-i)
			}
		}
		if got := s.State().Totals.Children[fork.KindRDB]; got != n {
			t.Errorf("%d children, want %d: the ring bounds the records only", got, n)
		}
	})
}

// A curve is thinned as often as it takes. At each moment it is short enough,
// ascends, begins at the beginning and ends at the end, and has the peak.
func TestThinning(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, dirty := range map[string]func(i int) uint64{
		"growing":            func(i int) uint64 { return uint64(i) },
		"falling":            func(i int) uint64 { return uint64(100_000 - i) },
		"flat":               func(int) uint64 { return 7 },
		"one high point":     func(i int) uint64 { return uint64(i%3) + 1000*uint64(max(0, 1-abs(i-1001))) },
		"random":             func(int) uint64 { return random.Uint64N(1000) },
		"a peak at the odds": func(i int) uint64 { return uint64(i % 2) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := add()
				id := begin(s, 1)
				peak := uint64(0)
				for i := range 6 * track.MaxPoints {
					time.Sleep(250 * time.Millisecond)
					v := dirty(i)
					peak = max(peak, v)
					sample(s, id, v)
					if i%97 == 0 || i > 5*track.MaxPoints {
						f := s.Forks()[0]
						if err := checkCurve(f, i+1, peak, v); err != nil {
							t.Fatalf("after %d points: %v", i+1, err)
						}
					}
				}
			})
		})
	}
}

func abs(i int) int { return max(i, -i) }

func checkCurve(f fork.Record, added int, peak, last uint64) error {
	c := f.Curve
	switch {
	case len(c) > track.MaxPoints:
		return fmt.Errorf("%d points", len(c))
	case len(c) < min(added, track.MaxPoints/2):
		return fmt.Errorf("only %d points of %d are left", len(c), added)
	case !near(c[0].Seconds, .25):
		return fmt.Errorf("begins at %v s", c[0].Seconds)
	case !near(c[len(c)-1].Seconds, .25*float64(added)) || c[len(c)-1].PrivateDirty != last:
		return fmt.Errorf("ends with %+v, want %d", c[len(c)-1], last)
	case f.PeakBytes != opt.Of(peak):
		return fmt.Errorf("peak %v, want %d", f.PeakBytes, peak)
	case !slices.ContainsFunc(c, func(p fork.Point) bool { return p.PrivateDirty == peak }):
		return fmt.Errorf("the peak %d is not on the curve", peak)
	}
	for i := 1; i < len(c); i++ {
		if c[i].Seconds <= c[i-1].Seconds {
			return fmt.Errorf("%v s after %v s", c[i].Seconds, c[i-1].Seconds)
		}
	}
	return nil
}

// What was handed out stays as it was, whatever is added, thinned or closed after.
func TestHandedOutCurvesNeverChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := add()
		id := begin(s, 1)
		type kept struct{ handed, copied []fork.Point }
		var all []kept
		for i := range 3 * track.MaxPoints {
			time.Sleep(time.Second)
			sample(s, id, uint64(i))
			if i%50 == 0 {
				c := s.Forks()[0].Curve
				all = append(all, kept{c, slices.Clone(c)})
			}
		}
		end(s, id, fork.KindRDB, fork.OutcomeOK)
		for _, k := range all {
			if !slices.Equal(k.handed, k.copied) {
				t.Fatalf("a curve of %d points has changed after it was handed out", len(k.copied))
			}
		}
	})
}

func TestSwapPeak(t *testing.T) {
	s := add()
	id := begin(s, 1)
	for _, swap := range []opt.Val[uint64]{opt.Of(uint64(1)), opt.Of(uint64(9)), {}, opt.Of(uint64(4))} {
		s.Private(id, fork.Sample{Time: time.Now(), Source: fork.SourceCounters, Swap: swap})
	}
	if f := s.Forks()[0]; f.SwapPeakBytes != opt.Of(uint64(9)) {
		t.Errorf("swap peak %v, want 9", f.SwapPeakBytes)
	}
}

// Between two readings of smaps other sources give points; huge pages are known from
// smaps only, and stay.
func TestOtherSourcesKeepHugePages(t *testing.T) {
	s := add()
	id := begin(s, 1)
	s.Private(id, fork.Sample{Time: time.Now(), Source: fork.SourceChildSmaps, Swap: opt.Of(uint64(9)), AnonymousHuge: opt.Of(uint64(8))})
	s.Private(id, fork.Sample{Time: time.Now(), Source: fork.SourceCounters, PrivateDirty: 7, Swap: opt.Of(uint64(5)), Error: opt.Of(uint64(1))})
	got, _ := s.State().Children[0].Sample.Get()
	if got.Swap != opt.Of(uint64(5)) || got.AnonymousHuge != opt.Of(uint64(8)) || got.PrivateDirty != 7 || got.Source != fork.SourceCounters {
		t.Errorf("sample %+v", got)
	}
	if c := s.Forks()[0].Curve; len(c) != 2 || c[1].Error != opt.Of(uint64(1)) || c[1].Source != fork.SourceCounters {
		t.Errorf("curve %+v", c)
	}
}

// The totals go up only and count each byte once, even where an estimate falls
// and rises again or is absent for a while.
func TestCopiesAreCountedOnce(t *testing.T) {
	s := add()
	id := begin(s, 1)
	for _, step := range []struct {
		bytes opt.Val[uint64]
		total uint64
	}{
		{opt.Of(uint64(0)), 0},
		{opt.Of(uint64(100)), 100},
		{opt.Of(uint64(80)), 100},
		{opt.Of(uint64(110)), 110},
		{opt.Val[uint64]{}, 110},
		{opt.Of(uint64(120)), 120},
		{opt.Val[uint64]{}, 120},
	} {
		stall := opt.Val[float64]{}
		if b, ok := step.bytes.Get(); ok {
			stall = opt.Of(float64(b) / 4)
		}
		s.Copies(id, fork.Copies{Time: time.Now(), Bytes: step.bytes, Source: fork.SourceCounters, Stall: stall, Faults: step.bytes})
		total := s.State().Totals
		if total.CopiedBytes != step.total || total.CopyFaults != step.total || total.CopyStallSeconds != float64(step.total)/4 {
			t.Errorf("after %v: %d bytes, %d faults, %v s; want %d", step.bytes, total.CopiedBytes, total.CopyFaults, total.CopyStallSeconds, step.total)
		}
		f := s.Forks()[0]
		want := step.bytes
		if want.Present() {
			want = opt.Of(step.total)
		}
		if f.CopiedBytes != want || f.CopyFaults != want || (f.CopiedSource == fork.SourceCounters) != step.bytes.Present() {
			t.Errorf("record %+v, want %v", f, want)
		}
	}
	if c := s.Forks()[0].CopiedCurve; len(c) != 5 {
		t.Errorf("%d points, want those that are known", len(c))
	}
	s.Died(id, time.Now())
	s.Copies(id, fork.Copies{Bytes: opt.Of(uint64(1000))})
	s.End(id, fork.OutcomeOK)
	next := begin(s, 2)
	s.Copies(next, fork.Copies{Time: time.Now(), Bytes: opt.Of(uint64(5)), Source: fork.SourceTaskstats})
	if got := s.State().Totals.CopiedBytes; got != 125 {
		t.Errorf("%d bytes copied, want 120 and the next fork's 5", got)
	}
}

// A tail ends before its record is closed, or long after.
func TestTail(t *testing.T) {
	s := add()
	first, second := begin(s, 1), begin(s, 2)
	s.Happen(track.Tailed{ID: second, Tail: fork.Tail{Seconds: 2}})
	for _, id := range []string{first, second} {
		end(s, id, fork.KindRDB, fork.OutcomeOK)
	}
	before := s.Forks()
	s.Happen(track.Tailed{ID: first, Tail: fork.Tail{Seconds: 9, Faults: 5, Truncated: true}})
	s.Happen(track.Tailed{ID: "no such fork"})
	s.Happen(track.TailFaults{N: 3})
	s.Happen(track.TailFaults{N: 4})
	for _, f := range s.Forks() {
		want := map[string]fork.Tail{first: {Seconds: 9, Faults: 5, Truncated: true}, second: {Seconds: 2}}[f.ID]
		if f.Tail != opt.Of(want) {
			t.Errorf("tail of %s: %+v, want %+v", f.ID, f.Tail, want)
		}
	}
	for _, f := range before {
		if f.ID == first && f.Tail.Present() {
			t.Error("a record has changed after it was handed out")
		}
	}
	st := s.State()
	if st.Last[fork.KindRDB].TailSeconds != opt.Of(2.0) {
		t.Errorf("the last fork's tail: %v, want its own", st.Last[fork.KindRDB].TailSeconds)
	}
	if st.Totals.TailFaults != 7 {
		t.Errorf("%d tail faults, want 7", st.Totals.TailFaults)
	}
}
