package chart

import (
	"html/template"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
)

// Size of the small picture, in pixels.
const (
	smallWidth  = 160.0
	smallHeight = 36.0
	smallPad    = 5.0 // room for the end mark and the line's width
)

// Small draws f for a table's cell. Each picture has its own scales: it shows
// the shape, the figures stand beside it. Now matters only while f runs.
func Small(f history.Fork, now time.Time) template.HTML {
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
			until = v.points[0].Seconds
		}
		c.leaf("line", attrs{"class", "fc-unseen", "x1", x(0), "y1", base, "x2", x(until), "y2", base})
	}
	ps := thin(v.points, int(smallWidth))
	if len(ps) > 1 {
		line, area := curvePaths(ps, x, y, base)
		c.leaf("path", attrs{"class", "fc-area", "d", area})
		c.leaf("path", attrs{"class", "fc-line", "d", line})
	}
	for _, r := range v.reported {
		c.titled("circle", reportedTitle(r), attrs{"class", "fc-reported", "cx", x(r.Seconds), "cy", y(r.COWBytes), "r", 2.0})
	}
	if n := len(ps); n > 0 {
		endMark(c, v.Outcome, x(ps[n-1].Seconds), y(ps[n-1].PrivateDirty), 3)
	} else {
		endMark(c, v.Outcome, x(v.end), base, 3)
	}
	c.close("svg")
	return template.HTML(c.b.String()) //nolint:gosec // every value went through canvas.escape
}

// endMark marks where the curve ends. The shape tells the outcome as well as
// the color does: dot, cross, square, ring.
func endMark(c *canvas, o history.Outcome, x, y, r float64) {
	class := OutcomeClass(o)
	as := attrs{"class", "fc-end fc-" + class}
	switch class {
	case "bad":
		var p path
		p.to('M', x-r, y-r)
		p.to('L', x+r, y+r)
		p.to('M', x-r, y+r)
		p.to('L', x+r, y-r)
		c.titled("path", OutcomeWord(o), append(as, "d", p.String()))
	case "cut":
		c.titled("rect", OutcomeWord(o), append(as, "x", x-r, "y", y-r, "width", 2*r, "height", 2*r))
	default: // ok is filled, run and unk are rings
		c.titled("circle", OutcomeWord(o), append(as, "cx", x, "cy", y, "r", r))
	}
}

// curvePaths makes the line through the points and the area below it.
func curvePaths(ps []history.Point, x func(float64) float64, y func(uint64) float64, base float64) (line, area string) {
	var l, a path
	a.to('M', x(ps[0].Seconds), base)
	for i, p := range ps {
		cmd := byte('L')
		if i == 0 {
			cmd = 'M'
		}
		l.to(cmd, x(p.Seconds), y(p.PrivateDirty))
		a.to('L', x(p.Seconds), y(p.PrivateDirty))
	}
	a.to('L', x(ps[len(ps)-1].Seconds), base)
	return l.String(), a.String() + "Z"
}

func reportedTitle(r history.Reported) string {
	return "reported by the server for " + Seconds(r.Seconds) + " after birth: " + Bytes(r.COWBytes)
}
