package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// The truth rises by 100 MB in each of 10 s.
func rising() (readings []truth) {
	for i := range 101 {
		tenth := at(float64(i) / 10)
		readings = append(readings, truth{tenth, tenth, float64(i) * 10e6})
	}
	return readings
}

func TestScoreDirty(t *testing.T) {
	f := fork.Record{Start: at(0), Curve: []fork.Point{
		{Seconds: 1, PrivateDirty: 100e6, Source: fork.SourceChildSmaps},
		{Seconds: 2, PrivateDirty: 203e6, Source: fork.SourceCounters, Error: opt.Of(uint64(4e6))},
		{Seconds: 3, PrivateDirty: 296e6, Source: fork.SourceCounters, Error: opt.Of(uint64(1e6))},  // more than it admits
		{Seconds: 4, PrivateDirty: 430e6, Source: fork.SourceCounters, Error: opt.Of(uint64(40e6))}, // more than the bound, which it admits
		{Seconds: 5, PrivateDirty: 530e6, Source: fork.SourceChildSmaps},                            // more than the bound
		{Seconds: 11, PrivateDirty: 1, Source: fork.SourceCounters},                                 // after the last reading
	}}
	// The bound is 2 % of 1,000 MB.
	got, unchecked := scoreDirty(&f, rising(), 2e9)
	want := []score{
		{source: fork.SourceChildSmaps, points: 2, largest: 30e6, squares: 900e12, beyond: 1},
		{source: fork.SourceCounters, points: 3, largest: 30e6, squares: 925e12, outside: 1},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(score{})); diff != "" || unchecked != 1 {
		t.Errorf("%d unchecked, want 1; scores (-want +got):\n%s", unchecked, diff)
	}
	if rms := got[0].rms(); !near(rms/1e6, 21.213203) {
		t.Errorf("rms %v", rms)
	}
	// The bound is 0.5 % of 10 GB: what the peak would not allow is within it.
	if got, _ := scoreDirty(&f, rising(), 10e9); got[0].beyond != 0 {
		t.Errorf("%d points beyond a bound of 50 MB", got[0].beyond)
	}
}

func TestScoreCopied(t *testing.T) {
	f := fork.Record{Start: at(0), CopiedCurve: []fork.CopiedPoint{
		{Seconds: 1, Bytes: 100e6, Source: fork.SourceTaskstats},
		{Seconds: 2, Bytes: 230e6, Source: fork.SourceTaskstats},
	}}
	got, unchecked := scoreCopied(&f, rising())
	want := []score{{source: fork.SourceTaskstats, points: 2, largest: 30e6, squares: 900e12, beyond: 1}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(score{})); diff != "" || unchecked != 0 {
		t.Errorf("%d unchecked; scores (-want +got):\n%s", unchecked, diff)
	}
}

func TestFilled(t *testing.T) {
	f := fork.Record{LifetimeSeconds: opt.Of(1.04)}
	for _, s := range []float64{0.05, 0.06, 0.31, 0.99, 1.03} { // the last two: the tenth slot, and what is no whole slot
		f.Curve = append(f.Curve, fork.Point{Seconds: s})
	}
	if got := filled(&f); !near(got, 0.3) {
		t.Errorf("%v of the slots have a point, want 0.3", got)
	}
	f.LifetimeSeconds = opt.Of(100.) // 300 slots in the first 30 s, of which 4 have a point
	if got := filled(&f); !near(got, 4./300) {
		t.Errorf("%v of the slots have a point, want 4 of 300", got)
	}
}
