package chart

import (
	"slices"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// curves draws what grew: private dirty as an area with its margin of error and
// its exact readings, copied as a thin dashed line on top, because the two
// mostly run so close that either would hide the other. Over all of it lie
// columns that tell the values under the pointer.
func (d *large) curves() {
	if len(d.points) == 0 {
		text := "no reading of the child's memory"
		if d.running {
			text += " yet"
		}
		y := (d.plotTop + d.plotBottom) / 2
		if len(d.copied) > 0 {
			y = d.plotTop + 16 // above where a curve begins
		}
		d.text("fc-muted fc-halo", "middle", (d.x(0)+d.x(d.extent))/2, y, text)
	}
	d.dirtyCurve()
	d.copiedCurve()
	d.columns()
}

func (d *large) dirtyCurve() {
	if len(d.points) > 1 {
		rs := thinRuns(runs(d.points), 900)
		d.leaf("path", attrs{"class", "fc-area", "d", areaPath(rs, d.x, d.y, d.plotBottom)})
		if d.errorShown() {
			d.leaf("path", attrs{"class", "fc-error", "d", errorPath(rs, d.x, d.clampedY)})
		}
		d.gaps(rs, "no trustworthy reading of the child's memory here", "fc-gap")
		d.leaf("path", attrs{"class", "fc-line", "d", linePath(rs, d.x, d.y)})
	}
	if d.dots() {
		for _, p := range d.points {
			if p.exact() {
				d.leaf("circle", attrs{"class", "fc-dot", "cx", d.x(p.t), "cy", d.y(p.b), "r", 3.0})
			}
		}
	}
}

func (d *large) copiedCurve() {
	if len(d.copied) > 1 {
		rs := thinRuns(runs(d.copied), 900)
		d.gaps(rs, "no count of the copies here", "fc-gap fc-copied-gap")
		d.leaf("path", attrs{"class", "fc-copied", "d", linePath(rs, d.x, d.y)})
	}
}

func (d *large) gaps(rs [][]point, tip, class string) {
	if len(rs) > 1 {
		d.titled("path", tip, attrs{"class", class, "d", gapPath(rs, d.x, d.y)})
	}
}

// errorShown reports whether any reading's margin of error can be seen beside the line:
// from half a percent of the plot's height on.
func (d *large) errorShown() bool {
	return len(d.points) > 1 && slices.ContainsFunc(d.points, func(p point) bool { return float64(p.err) >= d.topBytes/200 })
}

// clampedY returns the height of b, at most the top of the plot: a margin of error may
// reach beyond the scale, which is the curve's.
func (d *large) clampedY(b uint64) float64 { return max(d.y(b), d.plotTop) }

// dots reports whether the exact readings are few enough to be marked.
func (d *large) dots() bool {
	n := 0
	for _, p := range d.points {
		if p.exact() {
			n++
		}
	}
	return n > 0 && n < d.dotsMax
}

// columns draws columns that are invisible until the pointer is over one: without a
// script this is what tells the value of a point among hundreds.
func (d *large) columns() {
	ps, class := thin(d.points, 100), ""
	if len(ps) == 0 {
		ps, class = thin(d.copied, 100), " fc-copied-hit"
	}
	for i, p := range ps {
		from, to := d.x(0), d.x(d.extent)
		if i > 0 {
			from = d.x((ps[i-1].t + p.t) / 2)
		}
		if i+1 < len(ps) {
			to = d.x((p.t + ps[i+1].t) / 2)
		}
		x, y := d.x(p.t), d.y(p.b)
		d.open("g", attrs{"class", "fc-hit" + class})
		d.title(d.tip(p))
		d.leaf("rect", attrs{"x", from, "y", d.plotTop, "width", max(to-from, 1), "height", d.plotBottom - d.plotTop})
		d.leaf("line", attrs{"x1", x, "y1", d.plotTop, "x2", x, "y2", d.plotBottom})
		d.leaf("circle", attrs{"cx", x, "cy", y, "r", 4.0})
		d.close("g")
	}
}

// tip returns what is known at the point p of the private dirty line, or of the copied
// one where there is no other.
func (d *large) tip(p point) string {
	when := ", " + words.Seconds(p.t) + " after birth"
	if len(d.points) == 0 {
		return words.Bytes(p.b) + " copied" + when + ", by " + words.Source(p.source)
	}
	tip := words.Bytes(p.b) + " private dirty"
	if p.err > 0 {
		tip += " ± " + words.Bytes(p.err)
	}
	tip += when
	if res, ok := d.ResidentBytes.Get(); ok && res > 0 {
		tip += ", " + words.Percent(p.b, res) + " of resident"
	}
	if p.source != "" {
		tip += ", by " + words.Source(p.source)
	}
	if c, ok := nearest(d.copied, p.t); ok {
		tip += "; " + words.Bytes(c.b) + " copied"
	}
	return tip
}

// nearest returns the one of ps that is nearest to t, if there is one within half a
// second.
func nearest(ps []point, t float64) (point, bool) {
	var best point
	found := false
	for _, p := range ps {
		if away := max(p.t-t, t-p.t); away <= gapLeast/2 && (!found || away < max(best.t-t, t-best.t)) {
			best, found = p, true
		}
	}
	return best, found
}
