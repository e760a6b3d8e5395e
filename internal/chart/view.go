package chart

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// point is one reading of either line, ready for drawing.
type point struct {
	t      float64 // seconds since birth
	b      uint64
	err    uint64 // how far b may be off; 0 is exact, or not told
	source fork.Source
}

func (p point) exact() bool { return p.source == fork.SourceChildSmaps }

// view is a fork made ready for drawing: finite, sorted, with its extent known.
type view struct {
	fork.Record
	points    []point // private dirty
	copied    []point
	reported  []fork.Reported
	running   bool
	end       float64         // seconds since birth: death, or now while the child lives
	endKnown  bool            // false when the child is dead and nobody knows since when
	extent    float64         // rightmost second of anything drawn but the tail; > 0
	top       opt.Val[uint64] // highest private dirty: the record's peak, else the curve's
	tailGoing bool
}

func viewOf(f fork.Record, now time.Time) view {
	v := view{Record: f, running: f.Running(), endKnown: true, tailGoing: f.TailGoing(now)}
	for _, p := range f.Curve {
		if drawable(p.Seconds) {
			v.points = append(v.points, point{p.Seconds, p.PrivateDirty, p.Error.Or(0), p.Source})
		}
	}
	for _, p := range f.CopiedCurve {
		if drawable(p.Seconds) {
			v.copied = append(v.copied, point{p.Seconds, p.Bytes, 0, p.Source})
		}
	}
	for _, r := range f.Reported {
		if drawable(r.Seconds) {
			v.reported = append(v.reported, r)
		}
	}
	byTime := func(a, b point) int { return cmpFloat(a.t, b.t) }
	slices.SortStableFunc(v.points, byTime)
	slices.SortStableFunc(v.copied, byTime)
	slices.SortStableFunc(v.reported, func(a, b fork.Reported) int { return cmpFloat(a.Seconds, b.Seconds) })

	seen := 0.0
	for _, line := range [...][]point{v.points, v.copied} {
		if n := len(line); n > 0 {
			seen = max(seen, line[n-1].t)
		}
	}
	if n := len(v.reported); n > 0 {
		seen = max(seen, v.reported[n-1].Seconds)
	}
	life, known := f.LifetimeSeconds.Get()
	switch {
	case v.running:
		// The wall clock may have been set back since the birth.
		v.end = max(seen, now.Sub(f.Start).Seconds())
	case known && drawable(life):
		v.end = life
	default:
		v.end, v.endKnown = seen, false
	}
	v.extent = max(seen, v.end)
	if v.extent <= 0 {
		v.extent = 1 // an empty life still needs an axis
	}

	v.top = f.PeakBytes
	if high, ok := highest(v.points); ok && high.b > v.top.Or(0) {
		v.top = opt.Of(high.b)
	}
	return v
}

// highest returns the first of the highest points; false without any.
func highest(ps []point) (point, bool) {
	if len(ps) == 0 {
		return point{}, false
	}
	return slices.MaxFunc(ps, func(a, b point) int { return cmp.Compare(a.b, b.b) }), true
}

// copiedSoFar returns how much was copied for certain. It is all that was copied only
// if whole is true: the count may have been lost on the way.
func (v *view) copiedSoFar() (bytes uint64, whole, known bool) {
	if b, ok := v.CopiedBytes.Get(); ok {
		return b, true, true
	}
	high, _ := highest(v.copied)
	return high.b, false, high.b > 0
}

// highest returns the highest byte figure that has to fit, the resident bytes left out.
func (v *view) highest() uint64 {
	copied, _, _ := v.copiedSoFar()
	h := max(v.top.Or(0), v.ReportedCOWBytes.Or(0), copied)
	for _, p := range v.copied {
		h = max(h, p.b)
	}
	for _, r := range v.reported {
		h = max(h, r.COWBytes)
	}
	return h
}

// scale returns the highest figure that a y axis has to hold. The resident bytes are
// drawn as a line only where that leaves the curve at least half the height.
func (v *view) scale() (high float64, showResident bool) {
	high = float64(v.highest())
	if res, ok := v.ResidentBytes.Get(); ok && res > 0 && high > 0 && float64(res) <= 2*high {
		return max(high, float64(res)), true
	}
	if high == 0 {
		high = 1e6
	}
	return high, false
}

// drawable reports whether t has a place on the axis.
func drawable(t float64) bool { return t >= 0 && !math.IsInf(t, 0) && !math.IsNaN(t) }

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
