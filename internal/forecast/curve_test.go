package forecast

import (
	"math"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

const (
	mb = uint64(1) << 20
	gb = uint64(1) << 30
)

// saved is a closed save of a server of 1 GiB, with a curve of (writes, MiB).
func saved(points ...[2]uint64) fork.Record {
	f := fork.Record{
		Kind: fork.KindRDB, Outcome: fork.OutcomeOK, ResidentBytes: opt.Of(gb),
		LifetimeSeconds: opt.Of(10.), StallSeconds: opt.Of(.02),
	}
	for i, p := range points {
		f.ExtraCurve = append(f.ExtraCurve, fork.ExtraPoint{Seconds: float64(i + 1), Changes: float64(p[0]), Bytes: p[1] * mb})
		f.ExtraPeakBytes = opt.Of(max(f.ExtraPeakBytes.Or(0), p[1]*mb))
	}
	return f
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(b)) }

func TestCurve(t *testing.T) {
	f := saved([2]uint64{1000, 100}, [2]uint64{4000, 200}, [2]uint64{4000, 210}, [2]uint64{8000, 190})
	c, ok := curveOf(&f)
	if !ok {
		t.Fatal("no curve")
	}
	for writes, want := range map[float64]float64{
		0: 0, 500: 50, 1000: 100, 2500: 150, 4000: 200, 6000: 210, 8000: 210, // never below what was needed before
	} {
		if got, ok := c.at(writes, float64(gb)); !ok || !near(got, want*float64(mb)) {
			t.Errorf("at %v writes: %v MiB, want %v", writes, got/float64(mb), want)
		}
	}
	// A server of twice the size needs twice as much at twice the writes.
	if got, _ := c.at(2000, 2*float64(gb)); !near(got, 200*float64(mb)) {
		t.Errorf("twice the size: %v MiB", got/float64(mb))
	}
}

// Beyond its end a curve rises ever more slowly, and to no more than everything.
func TestCurveBeyondItsEnd(t *testing.T) {
	f := saved([2]uint64{1000, 256})
	c, _ := curveOf(&f)
	last, slope := 256., math.Inf(1)
	for writes := 2000.; writes < 20_000; writes += 1000 {
		got, ok := c.at(writes, float64(gb))
		mib := got / float64(mb)
		if !ok || mib <= last || mib-last >= slope || mib > 1024 {
			t.Fatalf("at %v writes: %v MiB after %v", writes, mib, last)
		}
		last, slope = mib, mib-last
	}
	if got, _ := c.at(2000, float64(gb)); !near(got/float64(mb), 1024*(1-.75*.75)) {
		t.Errorf("at twice the writes: %v MiB", got/float64(mb))
	}
	if got, _ := c.at(1e9, float64(gb)); !near(got, float64(gb)) {
		t.Errorf("at any number of writes: %v MiB", got/float64(mb))
	}
	// A server that grew by more than it had goes on growing.
	f = saved([2]uint64{1000, 1500})
	c, _ = curveOf(&f)
	if got, _ := c.at(2000, float64(gb)); !near(got/float64(mb), 3000) {
		t.Errorf("grown: %v MiB", got/float64(mb))
	}
}

func TestCurveOfHardlyAnyWrites(t *testing.T) {
	f := saved([2]uint64{3, 1})
	c, ok := curveOf(&f)
	if got, known := c.at(2, float64(gb)); !ok || !known || got == 0 {
		t.Errorf("as few writes again: %v, %t", got, known)
	}
	if got, known := c.at(10_000, float64(gb)); known {
		t.Errorf("3 writes tell what 10,000 need: %v", got)
	}
}

func TestNoCurve(t *testing.T) {
	whole := saved([2]uint64{1000, 10})
	for name, change := range map[string]func(*fork.Record){
		"partial":      func(f *fork.Record) { f.Partial = true },
		"no curve":     func(f *fork.Record) { f.ExtraCurve = nil },
		"size unknown": func(f *fork.Record) { f.ResidentBytes = opt.Val[uint64]{} },
		"no size":      func(f *fork.Record) { f.ResidentBytes = opt.Of(uint64(0)) },
	} {
		f := whole
		change(&f)
		if c, ok := curveOf(&f); ok {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
