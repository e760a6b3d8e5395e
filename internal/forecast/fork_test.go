package forecast

import (
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// state is a server of 1 GiB under 400 writes a second, with closed forks, newest first.
func state(forks ...fork.Record) *track.State {
	return &track.State{
		Up: true, Info: &redisinfo.Info{},
		ResidentBytes: opt.Of(gb), AnonymousBytes: opt.Of(gb - 10*mb), PageTableBytes: opt.Of(2 * mb),
		WriteRate: opt.Of(400.), Recent: forks,
	}
}

func mustHave(t *testing.T, f Fork, extra uint64, basis Basis, forks int) {
	t.Helper()
	m, ok := f.Memory.Get()
	if !ok {
		t.Fatalf("no forecast: %s", f.NoMemory)
	}
	if basis == BasisCurves {
		extra = uint64(Margin * float64(extra))
	}
	if apart := max(m.Extra, extra) - min(m.Extra, extra); apart > 2 || m.Basis != basis || m.Forks != forks || m.Bytes != m.Extra+m.PageTables || f.NoMemory != "" {
		t.Errorf("%+v, want %d MiB by %s of %d forks", m, extra/mb, basis, forks)
	}
}

func TestMemoryByCurves(t *testing.T) {
	st := state(saved([2]uint64{4000, 100}), saved([2]uint64{8000, 240}))
	f := OfKind(st, fork.KindRDB)
	if f.Writes != opt.Of(4000.) || f.LifetimeSeconds != opt.Of(10.) {
		t.Errorf("%v writes in %v s", f.Writes, f.LifetimeSeconds)
	}
	mustHave(t, f, 100*mb, BasisCurves, 1) // the second one's 120 at 4,000 writes are further from its end
	if m, _ := f.Memory.Get(); m.PageTables != 2*mb {
		t.Errorf("%d bytes of page tables", m.PageTables)
	}

	st.WriteRate = opt.Of(0.)
	mustHave(t, OfKind(st, fork.KindRDB), 0, BasisCurves, 1)

	st.ResidentBytes, st.WriteRate = opt.Of(2*gb), opt.Of(400.)
	f = OfKind(st, fork.KindRDB) // twice the size: twice the life, twice the writes
	if f.Writes != opt.Of(8000.) {
		t.Errorf("%v writes", f.Writes)
	}
	mustHave(t, f, 200*mb, BasisCurves, 1)
}

// The fork that is read off is the newest of those with about as many writes.
func TestMemoryByTheNearestCurve(t *testing.T) {
	st := state(
		saved([2]uint64{20, 10}), saved([2]uint64{5000, 130}, [2]uint64{200_000, 900}),
		saved([2]uint64{3900, 100}), saved([2]uint64{3900, 90}), saved([2]uint64{20_000, 700}), saved([2]uint64{8000, 240}),
	)
	c, _ := curveOf(&st.Recent[2])
	beyond, _ := c.at(4000, float64(gb))
	mustHave(t, OfKind(st, fork.KindRDB), uint64(beyond), BasisCurves, 1)
}

func TestMemoryWithoutAWriteRate(t *testing.T) {
	st := state(saved([2]uint64{4000, 100}), saved([2]uint64{8000, 240}))
	st.ResidentBytes = opt.Of(gb / 2)
	for name, change := range map[string]func(){
		"not known": func() { st.WriteRate = opt.Val[float64]{} },
		"stale":     func() { st.WriteRate, st.Up = opt.Of(400.), false },
	} {
		change()
		t.Run(name, func(t *testing.T) { mustHave(t, OfKind(st, fork.KindRDB), 120*mb, BasisPeaks, 2) })
	}
}

func TestMemoryByReport(t *testing.T) {
	st := state()
	if f := OfKind(st, fork.KindRDB); f.Memory.Present() || f.NoMemory != NoForks {
		t.Errorf("made up: %+v", f)
	}
	st.Info.RDBLastCOWBytes, st.Info.AOFLastCOWBytes = opt.Of(uint64(0)), opt.Of(70*mb)
	if f := OfKind(st, fork.KindRDB); f.Memory.Present() { // 0 is said before the first
		t.Errorf("made from nothing: %+v", f)
	}
	mustHave(t, OfKind(st, fork.KindAOF), 70*mb, BasisReported, 0)
	// What it grows by meanwhile is not in the server's figure.
	st.GrowthRate, st.Info.LastAOFRewriteSeconds = opt.Of(float64(mb)), opt.Of(int64(9))
	mustHave(t, OfKind(st, fork.KindAOF), 80*mb, BasisReported, 0)
	st.Up = false
	if f := OfKind(st, fork.KindAOF); f.Memory.Present() {
		t.Errorf("from a stale reply: %+v", f)
	}
	st.Up = true
	st.Recent = []fork.Record{saved([2]uint64{4000, 100})}
	if m, _ := OfKind(st, fork.KindAOF).Memory.Get(); m.Basis != BasisCurves { // a fork that was followed is the better basis
		t.Errorf("basis %s beside a followed fork", m.Basis)
	}
}

// Forks whose memory could not be read leave the server's own figure; forks with a
// curve that says nothing of more writes do not.
func TestMemoryByReportBesideForks(t *testing.T) {
	blind, quiet := saved(), saved([2]uint64{3, 1})
	st := state(blind, blind)
	st.Info.RDBLastCOWBytes = opt.Of(70 * mb)
	mustHave(t, OfKind(st, fork.KindRDB), 70*mb, BasisReported, 0)
	st.WriteRate = opt.Val[float64]{}
	mustHave(t, OfKind(st, fork.KindRDB), 70*mb, BasisReported, 0)
	st = state(blind, quiet)
	st.Info.RDBLastCOWBytes = opt.Of(70 * mb)
	if f := OfKind(st, fork.KindRDB); f.Memory.Present() || f.NoMemory != FewWrites {
		t.Errorf("by report beside a curve: %+v", f)
	}
}

func TestNoBasisSaysWhy(t *testing.T) {
	blind := saved()
	for name, test := range map[string]struct {
		forks []fork.Record
		want  NoBasis
	}{
		"no fork":           {nil, NoForks},
		"memory not read":   {[]fork.Record{blind}, NoReadings},
		"hardly any writes": {[]fork.Record{saved([2]uint64{3, 1})}, FewWrites},
	} {
		f := OfKind(state(test.forks...), fork.KindRDB)
		if f.Memory.Present() || f.NoMemory != test.want {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestLifetimeIsOfForksThatEndedWell(t *testing.T) {
	cancelled, long := saved([2]uint64{400, 20}), saved([2]uint64{4000, 100})
	cancelled.Outcome, cancelled.LifetimeSeconds = fork.OutcomeCancelled, opt.Of(90.)
	long.LifetimeSeconds = opt.Of(15.)
	old := saved([2]uint64{4000, 100})
	old.LifetimeSeconds = opt.Of(99.)
	f := OfKind(state(cancelled, saved([2]uint64{4000, 100}), long, saved([2]uint64{4000, 100}), old), fork.KindRDB)
	if f.LifetimeSeconds != opt.Of(10.) {
		t.Errorf("%v s, want the middle one of the last three", f.LifetimeSeconds)
	}
	if f := OfKind(state(saved([2]uint64{4000, 100}), long), fork.KindRDB); f.LifetimeSeconds != opt.Of(15.) {
		t.Errorf("%v s, want the longer one of two", f.LifetimeSeconds)
	}
	st := state(cancelled)
	if f := OfKind(st, fork.KindRDB); f.LifetimeSeconds.Present() {
		t.Errorf("%v s by a cancelled fork", f.LifetimeSeconds)
	}
	st.Info.LastBGSaveSeconds = opt.Of(int64(7))
	if f := OfKind(st, fork.KindRDB); f.LifetimeSeconds != opt.Of(8.) {
		t.Errorf("%v s by the server's own 7, rounded down", f.LifetimeSeconds)
	}
}

func TestOnlyTheLastForksOfAKind(t *testing.T) {
	var forks []fork.Record
	for range track.RecentForks {
		forks = append(forks, saved([2]uint64{4000, 100}))
	}
	forks = append(forks, saved([2]uint64{4000, 900})) // long ago
	mustHave(t, OfKind(state(forks...), fork.KindRDB), 100*mb, BasisCurves, 1)

	aof := saved([2]uint64{4000, 300})
	aof.Kind = fork.KindAOF
	st := state(saved([2]uint64{4000, 100}), aof)
	mustHave(t, OfKind(st, fork.KindRDB), 100*mb, BasisCurves, 1)
	mustHave(t, OfKind(st, fork.KindAOF), 300*mb, BasisCurves, 1)
	mustHave(t, OfKind(st, fork.KindReplication), 100*mb, BasisCurves, 1) // the first one of its kind
	partial := saved([2]uint64{4000, 900})
	partial.Partial = true
	mustHave(t, OfKind(state(partial, saved([2]uint64{4000, 100})), fork.KindRDB), 100*mb, BasisCurves, 1)
}

func TestNextIsTheOneThatNeedsMost(t *testing.T) {
	aof := saved([2]uint64{4000, 300})
	aof.Kind = fork.KindAOF
	if f := Next(state(saved([2]uint64{4000, 100}), aof)); f.Kind != fork.KindAOF {
		t.Errorf("next: %+v", f)
	}
	aof.ExtraCurve, aof.ExtraPeakBytes = nil, opt.Val[uint64]{}
	if f := Next(state(saved([2]uint64{4000, 100}), aof)); f.Kind != fork.KindRDB || !f.Memory.Present() {
		t.Errorf("next, where the other kind's memory is not known: %+v", f)
	}
	st := state()
	st.Info.RDBLastCOWBytes, st.Info.AOFLastCOWBytes = opt.Of(50*mb), opt.Of(70*mb)
	if f := Next(st); f.Kind != fork.KindAOF {
		t.Errorf("next, by report: %+v", f)
	}
	if f := Next(state()); f.Kind != fork.KindUnknown || f.Memory.Present() || !f.WorstCase.Present() || f.NoMemory != NoForks || f.NoStall != NoForks {
		t.Errorf("next of a server that never forked: %+v", f)
	}
	if f := Next(&track.State{}); f.Memory.Present() || f.WorstCase.Present() || f.Stall.Present() {
		t.Errorf("next of nothing: %+v", f)
	}
}

func TestWorstCase(t *testing.T) {
	st := state(saved([2]uint64{4000, 100}))
	if got := OfKind(st, fork.KindRDB).WorstCase; got != opt.Of(gb-8*mb) {
		t.Errorf("%v", got)
	}
	st.GrowthRate = opt.Of(float64(mb))
	if got := OfKind(st, fork.KindRDB).WorstCase; got != opt.Of(gb+2*mb) {
		t.Errorf("growing by 1 MiB/s for 10 s: %v", got)
	}
	st.GrowthRate = opt.Of(-float64(mb))
	if got := OfKind(st, fork.KindRDB).WorstCase; got != opt.Of(gb-8*mb) {
		t.Errorf("shrinking: %v", got)
	}
	st.AnonymousBytes = opt.Val[uint64]{} // before Linux 4.5
	if got := OfKind(st, fork.KindRDB).WorstCase; got != opt.Of(gb+2*mb) {
		t.Errorf("by resident memory: %v", got)
	}
	st.Recent = []fork.Record{saved([2]uint64{4000, 3000})}
	f := OfKind(st, fork.KindRDB)
	if m, _ := f.Memory.Get(); f.WorstCase != opt.Of(m.Bytes) {
		t.Errorf("worst case %v, expected %d: it can't be less", f.WorstCase, m.Bytes)
	}
}

func TestStall(t *testing.T) {
	slow := saved()
	slow.StallSeconds = opt.Of(.05)
	lost := saved()
	lost.StallSeconds = opt.Val[float64]{}
	st := state(saved(), lost, slow)
	st.ResidentBytes = opt.Of(2 * gb)
	if s, _ := OfKind(st, fork.KindAOF).Stall.Get(); !near(s.Seconds, .1) || s.Basis != BasisStalls || s.Forks != 2 {
		t.Errorf("%+v", s)
	}
	st.Recent = []fork.Record{lost}
	if f := OfKind(st, fork.KindRDB); f.Stall.Present() || f.NoStall != NoDurations {
		t.Errorf("made up: %+v", f)
	}
	st.Recent = nil
	if f := OfKind(st, fork.KindRDB); f.Stall.Present() || f.NoStall != NoForks {
		t.Errorf("made up: %+v", f)
	}
	st.Info.LatestFork = opt.Of(30 * time.Millisecond)
	if s, _ := OfKind(st, fork.KindRDB).Stall.Get(); s.Seconds != .03 || s.Basis != BasisReported {
		t.Errorf("reported: %+v", s)
	}
}

// A fork of huge pages is quick; once writes have split them, it is not any more.
func TestStallWithHugePages(t *testing.T) {
	f := saved()
	f.StallSeconds, f.AnonymousHugeBytes = opt.Of(.001), opt.Of(gb)
	st := state(f)
	st.HugeBytes = opt.Of(gb)
	if s, _ := OfKind(st, fork.KindRDB).Stall.Get(); !near(s.Seconds, .001) {
		t.Errorf("still huge: %v s", s.Seconds)
	}
	st.HugeBytes = opt.Of(uint64(0))
	if s, _ := OfKind(st, fork.KindRDB).Stall.Get(); !near(s.Seconds, .001/hugeWeight) {
		t.Errorf("split: %v s", s.Seconds)
	}
	st.HugeBytes = opt.Val[uint64]{} // not known: on the safe side
	if s, _ := OfKind(st, fork.KindRDB).Stall.Get(); !near(s.Seconds, .001/hugeWeight) {
		t.Errorf("not known: %v s", s.Seconds)
	}
}
