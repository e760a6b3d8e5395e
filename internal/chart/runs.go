package chart

import (
	"math"
	"slices"
)

// gapLeast is the shortest distance between two readings that can be a gap, in seconds.
const gapLeast = 1.0

// runs returns the points ps of a line, cut where readings are missing: a straight line
// over such a gap would show what nobody has read. A gap is longer than a second and
// than five times the distance that is usual around it. Around it, because a curve is
// read less often after its first half minute.
func runs(ps []point) [][]point {
	var out [][]point
	from := 0
	for i := 1; i < len(ps); i++ {
		if ps[i].t-ps[i-1].t > max(gapLeast, 5*usual(ps, i)) {
			out = append(out, ps[from:i])
			from = i
		}
	}
	if from < len(ps) {
		out = append(out, ps[from:])
	}
	return out
}

// usual returns the median of the four distances on each side of the one that ends at
// ps[i], itself left out; 0 without any.
func usual(ps []point, i int) float64 {
	var near [8]float64
	n := 0
	for j := max(1, i-4); j <= i+4 && j < len(ps); j++ {
		if j != i {
			near[n] = ps[j].t - ps[j-1].t
			n++
		}
	}
	if n == 0 {
		return 0
	}
	slices.Sort(near[:n])
	return near[n/2]
}

// thinRuns returns all of the runs rs, with about n points in all at most.
func thinRuns(rs [][]point, n int) [][]point {
	total := 0
	for _, r := range rs {
		total += len(r)
	}
	out := make([][]point, 0, len(rs))
	for _, r := range rs {
		out = append(out, thin(r, max(2, n*len(r)/max(total, 1))))
	}
	return out
}

// thin returns about n points of ps at most: of each of n/2 equal stretches the highest
// and the last, so that neither the peak nor the end is lost. All that remain are real
// readings.
func thin(ps []point, n int) []point {
	if len(ps) <= n {
		return ps
	}
	groups := n / 2
	out := make([]point, 0, n+1)
	out = append(out, ps[0])
	for g := range groups {
		part := ps[g*len(ps)/groups : (g+1)*len(ps)/groups]
		hi := 0
		for i := range part {
			if part[i].b > part[hi].b {
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

// linePath returns the line through each of the runs rs. A run of one reading becomes
// a line of no length, which round caps make a dot.
func linePath(rs [][]point, x func(float64) float64, y func(uint64) float64) string {
	var l path
	for _, r := range rs {
		l.to('M', x(r[0].t), y(r[0].b))
		for _, p := range r[min(1, len(r)-1):] {
			l.to('L', x(p.t), y(p.b))
		}
	}
	return l.String()
}

// areaPath returns the area between each of the runs rs and base.
func areaPath(rs [][]point, x func(float64) float64, y func(uint64) float64, base float64) string {
	var a path
	for _, r := range rs {
		a.to('M', x(r[0].t), base)
		for _, p := range r {
			a.to('L', x(p.t), y(p.b))
		}
		a.to('L', x(r[len(r)-1].t), base)
		a.close()
	}
	return a.String()
}

// gapPath returns the lines that join the runs rs.
func gapPath(rs [][]point, x func(float64) float64, y func(uint64) float64) string {
	var g path
	for i := 1; i < len(rs); i++ {
		a, b := rs[i-1][len(rs[i-1])-1], rs[i][0]
		g.to('M', x(a.t), y(a.b))
		g.to('L', x(b.t), y(b.b))
	}
	return g.String()
}

// errorPath returns the band around each of the runs rs in which the truth lies.
func errorPath(rs [][]point, x func(float64) float64, y func(uint64) float64) string {
	var e path
	for _, r := range rs {
		cmd := byte('M')
		for _, p := range r {
			e.to(cmd, x(p.t), y(p.b+min(p.err, math.MaxUint64-p.b)))
			cmd = 'L'
		}
		for _, p := range slices.Backward(r) {
			e.to('L', x(p.t), y(p.b-min(p.err, p.b)))
		}
		e.close()
	}
	return e.String()
}
