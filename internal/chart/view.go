package chart

import (
	"math"
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// view is a fork made ready for drawing: finite, sorted, with its extent known.
type view struct {
	history.Fork
	points   []history.Point
	reported []history.Reported
	running  bool
	end      float64         // seconds since birth: death, or now while the child lives
	endKnown bool            // false when the child is dead and nobody knows since when
	extent   float64         // rightmost second of anything drawn; > 0
	top      opt.Val[uint64] // highest private dirty: the record's peak, else the curve's
}

func viewOf(f history.Fork, now time.Time) view {
	v := view{Fork: f, running: f.Outcome == "", endKnown: true}
	for _, p := range f.Curve {
		if drawable(p.Seconds) {
			v.points = append(v.points, p)
		}
	}
	for _, r := range f.Reported {
		if drawable(r.Seconds) {
			v.reported = append(v.reported, r)
		}
	}
	slices.SortStableFunc(v.points, func(a, b history.Point) int { return cmpFloat(a.Seconds, b.Seconds) })
	slices.SortStableFunc(v.reported, func(a, b history.Reported) int { return cmpFloat(a.Seconds, b.Seconds) })

	seen := 0.0
	if n := len(v.points); n > 0 {
		seen = v.points[n-1].Seconds
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
	if i := v.peakIndex(); i >= 0 && v.points[i].PrivateDirty > v.top.Or(0) {
		v.top = opt.Of(v.points[i].PrivateDirty)
	}
	return v
}

// peakIndex is the first point with the curve's highest value, -1 without points.
func (v *view) peakIndex() int {
	best := -1
	for i, p := range v.points {
		if best < 0 || p.PrivateDirty > v.points[best].PrivateDirty {
			best = i
		}
	}
	return best
}

// highest is the highest byte figure that has to fit, the resident bytes left out.
func (v *view) highest() uint64 {
	h := max(v.top.Or(0), v.ReportedCOWBytes.Or(0))
	for _, r := range v.reported {
		h = max(h, r.COWBytes)
	}
	return h
}

// thin leaves at most about n points: of each of n/2 equal stretches the
// highest and the last, so that neither the peak nor the end is lost. All that
// remain are real readings.
func thin(ps []history.Point, n int) []history.Point {
	if len(ps) <= n {
		return ps
	}
	groups := n / 2
	out := make([]history.Point, 0, n+1)
	out = append(out, ps[0])
	for g := range groups {
		part := ps[g*len(ps)/groups : (g+1)*len(ps)/groups]
		hi := 0
		for i := range part {
			if part[i].PrivateDirty > part[hi].PrivateDirty {
				hi = i
			}
		}
		for _, i := range [...]int{hi, len(part) - 1} {
			if p := part[i]; p != out[len(out)-1] {
				out = append(out, p)
			}
		}
	}
	return out
}

// drawable keeps what has no place on the axis from spoiling the picture.
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
