// Package forktest makes realistic forks for the tests of what draws and serves
// them. Nothing but tests may import it.
package forktest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// resident is the size of the server that is forked, in bytes.
const resident = 1_610_000_000

// All returns one fork of each sort, newest first, the running one on top. Times are
// counted back from now.
func All(now time.Time) []fork.Record {
	return []fork.Record{Running(now), Saved(now), Killed(now), Cancelled(now), Partial(now), AOF(now)}
}

// Saved returns a save of 20 s that ended well, three minutes before now.
func Saved(now time.Time) fork.Record {
	f := base(now.Add(-3*time.Minute), 4101, fork.KindRDB, 20.3)
	f.Outcome, f.ExitStatus = fork.OutcomeOK, opt.Of(0)
	f.Curve = counted(grow(0.1, 20.3, 0.1, 1))
	f.PeakBytes = opt.Of(last(f))
	copied(&f, fork.SourceTaskstats)
	f.CopyStallSeconds, f.CopyFaults = opt.Of(2.031), opt.Of(uint64(301_415))
	f.Tail = opt.Of(fork.Tail{Seconds: 8.3, Faults: 41_220, Truncated: true})
	f.Reported = []fork.Reported{
		{Seconds: 0.8, COWBytes: 96 << 20}, {Seconds: 7.8, COWBytes: 690 << 20}, {Seconds: 15.8, COWBytes: 1_048 << 20},
	}
	f.ReportedCOWBytes = opt.Of(last(f) - 3<<20)
	for t := 1.0; t < 20.3; t++ { // of what it writes a second, half of what it copies comes early
		f.ExtraCurve = append(f.ExtraCurve, fork.ExtraPoint{Seconds: t, Changes: 12_000 * t, Bytes: uint64(1_150_000_000 * (1 - math.Exp(-t/9)))})
	}
	f.ExtraPeakBytes, f.ExtraSource = opt.Of(f.ExtraCurve[len(f.ExtraCurve)-1].Bytes), fork.SourceCgroup
	f.Changes, f.CgroupLeftBytes, f.HostLeftBytes = opt.Of(243_600.), opt.Of(uint64(391_000_000)), opt.Of(uint64(7_914_000_000))
	f.CPUSeconds, f.WrittenBytes, f.ChangesBefore = opt.Of(17.9), opt.Of(uint64(1_240_000_000)), opt.Of(uint64(1_204_551))
	return f
}

// Killed returns a save whose child was killed. The counters went astray for two
// seconds, and the count of copies was lost; its tail had no end. Times are counted
// back from now.
func Killed(now time.Time) fork.Record {
	f := base(now.Add(-52*time.Minute), 3977, fork.KindRDB, 8.42)
	f.Outcome, f.Signal = fork.OutcomeKilled, opt.Of("SIGKILL")
	f.Curve = slices.DeleteFunc(counted(grow(0.1, 8.42, 0.15, 1.4)), func(p fork.Point) bool { return p.Seconds > 4.2 && p.Seconds < 6.3 })
	f.PeakBytes = opt.Of(last(f))
	copied(&f, fork.SourceCounters)
	f.CopiedCurve = f.CopiedCurve[:20]
	f.CopiedBytes, f.CopiedSource = opt.Val[uint64]{}, ""
	f.CopyFaults = opt.Of(uint64(171_003))
	f.Tail = opt.Of(fork.Tail{Seconds: 60.02, Faults: 88_140, Truncated: true, Left: opt.Of(uint64(412 << 20))})
	f.Reported = []fork.Reported{{Seconds: 0.9, COWBytes: 130 << 20}}
	return f
}

// Cancelled returns a full sync whose replica left, five hours before now.
func Cancelled(now time.Time) fork.Record {
	f := base(now.Add(-5*time.Hour), 3102, fork.KindReplication, 3.1)
	f.Server = "sessions:6380"
	f.Outcome, f.ExitStatus = fork.OutcomeCancelled, opt.Of(255)
	f.ResidentBytes, f.PageTableBytes = opt.Of(uint64(8_240_000_000)), opt.Of(uint64(16_200_000))
	f.StallSeconds = opt.Of(0.412)
	f.Curve = grow(0.1, 3.1, 0.1, 0.5)
	f.PeakBytes = opt.Of(last(f))
	return f
}

// Running returns a save that began 12 s before now.
func Running(now time.Time) fork.Record {
	f := base(now.Add(-12_300*time.Millisecond), 4188, fork.KindRDB, 0)
	f.LifetimeSeconds = opt.Val[float64]{}
	f.Curve = grow(0.1, 12.2, 0.1, 0.9)
	for i := range f.Curve {
		if i%100 > 0 {
			f.Curve[i].Source, f.Curve[i].Error = fork.SourceCgroup, opt.Of(uint64(512<<10))
		}
	}
	f.PeakBytes = opt.Of(last(f))
	copied(&f, fork.SourceTaskstats)
	f.CopyStallSeconds, f.CopyFaults = opt.Of(1.25), opt.Of(uint64(240_004))
	f.Reported = []fork.Reported{{Seconds: 0.8, COWBytes: 88 << 20}, {Seconds: 7.8, COWBytes: 640 << 20}}
	return f
}

// Partial returns a save that ran already when it was first seen, 26 hours before
// now.
func Partial(now time.Time) fork.Record {
	f := base(now.Add(-26*time.Hour), 911, fork.KindRDB, 18.7)
	f.Partial, f.Outcome, f.ExitStatus = true, fork.OutcomeOK, opt.Of(0)
	f.StallSeconds = opt.Val[float64]{}
	f.Curve = grow(6.3, 18.7, 0.1, 1)
	f.PeakBytes = opt.Of(last(f))
	f.ReportedCOWBytes = opt.Of(last(f) + 2<<20)
	f.Tail = opt.Of(fork.Tail{Seconds: 3.01, Faults: 912})
	return f
}

// AOF returns a rewrite of 64 s that was read once a second, three days before now.
func AOF(now time.Time) fork.Record {
	f := base(now.Add(-3*24*time.Hour), 702, fork.KindAOF, 64.2)
	f.Outcome, f.ExitStatus = fork.OutcomeOK, opt.Of(0)
	f.Curve = grow(0.5, 64.2, 1, 0.6)
	f.PeakBytes = opt.Of(last(f))
	f.ReportedCOWBytes = opt.Of(last(f) - 1<<20)
	return f
}

// base returns the fork of the child pid that began at start and lived for life
// seconds, without its curve and its end.
func base(start time.Time, pid int, kind fork.Kind, life float64) fork.Record {
	return fork.Record{
		ID: fmt.Sprintf("%d-%d", start.UnixMilli(), pid), Server: "cache-a:6379", Kind: kind,
		Start: start.UTC().Truncate(time.Millisecond), ServerPID: 700, ChildPID: pid,
		StallSeconds: opt.Of(0.0384), LifetimeSeconds: opt.Of(life),
		ResidentBytes: opt.Of(uint64(resident)), PageTableBytes: opt.Of(uint64(3_190_000)),
	}
}

// grow returns the curve of a server under steady writes, a point every step seconds
// between from and to: fast at first, then slower, as more and more of the written
// pages are copied already. speed is how fast.
func grow(from, to, step, speed float64) []fork.Point {
	var ps []fork.Point
	for i := 0; from+float64(i)*step < to; i++ {
		t := from + float64(i)*step
		b := resident*0.92*(1-math.Exp(-speed*t/11)) + 6e6*math.Sin(t*2.3)*(1-math.Exp(-t))
		ps = append(ps, fork.Point{Seconds: t, PrivateDirty: uint64(max(b, 0)) &^ 4095, Source: fork.SourceChildSmaps})
	}
	return ps
}

// counted makes the points ps come from the counters, but for one each second, and
// returns them.
func counted(ps []fork.Point) []fork.Point {
	next := 0.0
	for i := range ps {
		if ps[i].Seconds >= next {
			next = ps[i].Seconds + 1
			continue
		}
		ps[i].Source, ps[i].Error = fork.SourceCounters, opt.Of(max(ps[i].PrivateDirty/50, resident/200))
	}
	return ps
}

// copied gives f a line of copies, told by source, that runs a little below the
// private dirty one.
func copied(f *fork.Record, source fork.Source) {
	for _, p := range f.Curve {
		bytes := uint64(float64(p.PrivateDirty)*(0.985-p.Seconds/800)) &^ 4095
		f.CopiedCurve = append(f.CopiedCurve, fork.CopiedPoint{Seconds: p.Seconds, Bytes: bytes, Source: source})
		f.CopiedBytes = opt.Of(max(f.CopiedBytes.Or(0), bytes))
	}
	f.CopiedSource = source
}

// last returns the highest point of the curve of f.
func last(f fork.Record) uint64 {
	var hi uint64
	for _, p := range f.Curve {
		hi = max(hi, p.PrivateDirty)
	}
	return hi
}
