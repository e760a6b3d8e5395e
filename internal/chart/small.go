package chart

import (
	"html/template"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// Size of the small picture, in pixels.
const (
	smallWidth  = 160.0
	smallHeight = 36.0
	smallPad    = 5.0 // room for the end mark and the line's width
)

// Small draws f for a table's cell. Each picture has its own scales: it shows
// the shape, the figures stand beside it. Now matters only while f runs.
func Small(f fork.Record, now time.Time) template.HTML {
	v := viewOf(f, now)
	top := max(float64(v.highest()), 1)
	x := func(t float64) float64 { return smallPad + t/v.extent*(smallWidth-2*smallPad) }
	y := func(b uint64) float64 {
		return smallHeight - smallPad - float64(b)/top*(smallHeight-2*smallPad)
	}
	const base = smallHeight - smallPad

	c := &canvas{}
	c.open("svg", attrs{
		"xmlns", svgNS, "class", "fc fc-small", "role", "img", "aria-label", v.describe(),
		"width", smallWidth, "height", smallHeight, "viewBox", "0 0 160 36",
	})
	c.title(v.describe())
	c.leaf("line", attrs{"class", "fc-axis", "x1", x(0), "y1", base, "x2", x(v.extent), "y2", base})
	if v.Partial {
		until := v.extent
		if len(v.points) > 0 {
			until = v.points[0].t
		}
		c.leaf("line", attrs{"class", "fc-unseen", "x1", x(0), "y1", base, "x2", x(until), "y2", base})
	}
	ps, main := v.points, "fc-line"
	if len(ps) == 0 {
		ps, main = v.copied, "fc-copied" // one line only: the other one would hide behind it
	}
	if len(ps) > 1 {
		rs := thinRuns(runs(ps), int(smallWidth))
		if main == "fc-line" {
			c.leaf("path", attrs{"class", "fc-area", "d", areaPath(rs, x, y, base)})
		}
		c.leaf("path", attrs{"class", main, "d", linePath(rs, x, y)})
	}
	for _, r := range v.reported {
		c.titled("circle", reportedTitle(r), attrs{"class", "fc-reported", "cx", x(r.Seconds), "cy", y(r.COWBytes), "r", 2.0})
	}
	if n := len(ps); n > 0 {
		endMark(c, v.Outcome, x(ps[n-1].t), y(ps[n-1].b), 3)
	} else {
		endMark(c, v.Outcome, x(v.end), base, 3)
	}
	c.close("svg")
	return template.HTML(c.b.String()) //nolint:gosec // every value went through canvas.escape
}

// endMark marks where the curve ends. The shape tells the outcome as well as
// the color does: dot, cross, square, ring.
func endMark(c *canvas, o fork.Outcome, x, y, r float64) {
	class := OutcomeClass(o)
	as := attrs{"class", "fc-end fc-" + class}
	switch class {
	case "bad":
		var p path
		p.to('M', x-r, y-r)
		p.to('L', x+r, y+r)
		p.to('M', x-r, y+r)
		p.to('L', x+r, y-r)
		c.titled("path", words.Outcome(o), append(as, "d", p.String()))
	case "cut":
		c.titled("rect", words.Outcome(o), append(as, "x", x-r, "y", y-r, "width", 2*r, "height", 2*r))
	default: // ok is filled, run and unk are rings
		c.titled("circle", words.Outcome(o), append(as, "cx", x, "cy", y, "r", r))
	}
}

func reportedTitle(r fork.Reported) string {
	return "reported by the server for " + words.Seconds(r.Seconds) + " after birth: " + words.Bytes(r.COWBytes)
}
