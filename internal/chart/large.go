package chart

import (
	"html/template"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

const svgNS = "http://www.w3.org/2000/svg"

// layout is the geometry of one large picture, in its own pixels (it scales).
type layout struct {
	name    string // keeps ids of two pictures on one page apart
	w, h    float64
	left    float64 // room for the y axis' numbers
	right   float64 // margin
	gutter  float64 // inside the plot, right of the end or the tail: labels
	tail    float64 // between the end and the labels, if there is a tail
	tailRow float64 // below the x axis: where the tail's text has no room beside the axis' name
	bottom  float64 // room for the x axis
	ticksX  int
	ticksY  int
	dotsMax int // with this many exact readings or more the dots would only blur the line
}

func wide() layout {
	return layout{
		name: "wide", w: 960, h: 420, left: 56, right: 12, gutter: 148, tail: 60, bottom: 50,
		ticksX: 8, ticksY: 5, dotsMax: 80,
	}
}

func narrow() layout {
	return layout{
		name: "narrow", w: 400, h: 380, left: 44, right: 2, gutter: 132, tail: 34, tailRow: 18, bottom: 50,
		ticksX: 4, ticksY: 5, dotsMax: 30,
	}
}

// Large draws f's whole life at 960 × 420 and scales with its container. Now
// matters only while f runs: it is drawn up to then.
func Large(f fork.Record, now time.Time) template.HTML {
	return template.HTML(draw(f, now, wide(), false)) //nolint:gosec // every value went through canvas.escape
}

// Compact draws f for a phone: the same picture at 400 × 380, where Large's texts would
// shrink beyond reading.
func Compact(f fork.Record, now time.Time) template.HTML {
	return template.HTML(draw(f, now, narrow(), false)) //nolint:gosec // every value went through canvas.escape
}

// Standalone draws f as Large does, for a file of its own, with its style and a
// background inside.
func Standalone(f fork.Record, now time.Time) []byte {
	return append([]byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), draw(f, now, wide(), true)...)
}

// large is one large picture being drawn.
type large struct {
	canvas
	layout
	view
	plotTop, plotBottom float64
	stallPx             float64
	stallToScale        bool
	perSecond           float64 // pixels
	topBytes            float64
	showResident        bool
}

func draw(f fork.Record, now time.Time, l layout, standalone bool) []byte {
	d := &large{layout: l, view: viewOf(f, now)}
	if d.tailText() == "" {
		d.layout.tail = 0
	} else {
		d.h += d.tailRow
		d.bottom += d.tailRow
	}
	d.scaleTime()
	d.scaleBytes()

	head := attrs{"xmlns", svgNS, "class", "fc fc-large fc-" + l.name, "role", "img", "aria-label", d.describe(), "viewBox", "0 0 " + num(d.w) + " " + num(d.h)}
	if standalone {
		head = append(head, "width", d.w, "height", d.h)
	}
	d.open("svg", head)
	if standalone {
		d.open("style", nil)
		d.escape(Stylesheet)
		d.close("style")
		d.leaf("rect", attrs{"class", "fc-paper", "width", d.w, "height", d.h})
	}
	d.hatch()
	d.legend() // sets plotTop: the legend may need a second row
	d.bands()
	d.axes()
	d.unseen()
	d.tailBand()
	d.curves()
	d.references()
	d.ending()
	d.gutterLabels()
	d.close("svg")
	return d.b.Bytes()
}

// scaleTime shares the width between the stall, which lies before birth, and
// the child's life. A stall is mostly a thousandth of the life: below a few
// pixels it is drawn wider than it is, and says so; a stall that would squeeze
// the life is drawn narrower.
func (d *large) scaleTime() {
	const least, mostShare = 5.0, 0.4
	width := d.w - d.left - d.right - d.gutter - d.layout.tail
	d.stallToScale = true
	if s, ok := d.StallSeconds.Get(); ok && drawable(s) {
		d.stallPx = width * s / (s + d.extent)
		if d.stallPx < least {
			d.stallPx, d.stallToScale = least, false
		} else if d.stallPx > mostShare*width {
			d.stallPx, d.stallToScale = mostShare*width, false
		}
	}
	d.perSecond = (width - d.stallPx) / d.extent
}

func (d *large) scaleBytes() {
	high, showResident := d.scale()
	d.topBytes, d.showResident = high*1.06, showResident
}

func (d *large) x(t float64) float64 { return d.left + d.stallPx + t*d.perSecond }

func (d *large) y(b uint64) float64 {
	return d.plotBottom - float64(b)/d.topBytes*(d.plotBottom-d.plotTop)
}

// labelsX returns where the labels' column begins.
func (d *large) labelsX() float64 { return d.x(d.extent) + d.layout.tail }

func (d *large) plotRight() float64 { return d.w - d.right }

// hatch defines the pattern of what was not seen.
func (d *large) hatch() {
	d.open("defs", nil)
	d.open("pattern", attrs{"id", "fc-hatch-" + d.name, "width", 7, "height", 7, "patternUnits", "userSpaceOnUse", "patternTransform", "rotate(45)"})
	d.leaf("line", attrs{"class", "fc-hatching", "x1", 0, "y1", 0, "x2", 0, "y2", 7})
	d.close("pattern")
	d.close("defs")
}

// bands draws the strip of phases above the plot: stall, copy, and the name of the end.
func (d *large) bands() {
	textY, stripY, stripH := d.plotTop-22, d.plotTop-14, 5.0
	birth, end := d.x(0), d.x(d.end)
	stall := "stall not known"
	if s, ok := d.StallSeconds.Get(); ok && drawable(s) {
		stall = "stall " + words.Seconds(s)
		tip := "stall: the server stood still for " + words.Seconds(s) + " in fork(2), before the child was born"
		if !d.stallToScale {
			tip += " (the band's width is not to scale)"
		}
		d.titled("rect", tip, attrs{"class", "fc-stall", "x", d.left, "y", stripY, "width", d.stallPx, "height", stripH})
		d.titled("rect", tip, attrs{"class", "fc-stall-band", "x", d.left, "y", stripY + stripH, "width", d.stallPx, "height", d.plotBottom - stripY - stripH})
		d.text("fc-strong fc-stall-text", "start", d.left, textY, stall)
	} else {
		d.text("fc-muted", "start", d.left, textY, stall)
	}
	labelEnd := d.left + textWidth(stall)

	copied := "copy"
	switch {
	case d.running:
		copied = "copy " + words.Seconds(d.end) + " so far"
	case d.endKnown:
		copied = "copy " + words.Seconds(d.end)
	}
	tip := "copy: while the child lives, the server's first write to each shared page copies it"
	d.titled("rect", tip, attrs{"class", "fc-copy", "x", birth + 1, "y", stripY, "width", max(end-birth-1, 0), "height", stripH})
	half := textWidth(copied) / 2
	cx := max((birth+end)/2, labelEnd+12+half)
	d.text("fc-strong fc-copy-text", "middle", cx, textY, copied)
	labelEnd = cx + half

	word := words.Outcome(d.Outcome)
	if cause := words.Cause(&d.Record); cause != "" && textWidth(word+", "+cause) < d.gutter-8 {
		word += ", " + cause
	}
	d.text("fc-strong fc-"+OutcomeClass(d.Outcome)+"-text", "start", max(end+8, labelEnd+10), textY, word)
}

// axes draws the grid, the numbers and what they count.
func (d *large) axes() {
	by := byteAxis(d.topBytes, d.ticksY)
	for _, t := range by.ticks {
		y := d.plotBottom - t/d.topBytes*(d.plotBottom-d.plotTop)
		class := "fc-grid"
		if t == 0 {
			class = "fc-axis"
		}
		d.leaf("line", attrs{"class", class, "x1", d.left, "y1", y, "x2", d.x(d.extent), "y2", y})
		d.text("fc-tick", "end", d.left-8, y+4, by.label(t))
	}
	d.text("fc-tick", "end", d.left-8, d.plotTop-9, by.unit)

	at := timeAxis(d.extent, d.ticksX)
	for _, t := range at.ticks {
		x := d.x(t)
		d.leaf("line", attrs{"class", "fc-axis", "x1", x, "y1", d.plotBottom, "x2", x, "y2", d.plotBottom + 5})
		d.text("fc-tick", "middle", x, d.plotBottom+19, at.label(t))
	}
	d.text("fc-tick", "start", d.x(0), d.plotBottom+39, at.unit+" since the child's birth")
}

// unseen hatches the time before a partial fork's first reading.
func (d *large) unseen() {
	if !d.Partial {
		return
	}
	until := d.extent
	if len(d.points) > 0 {
		until = d.points[0].t
	}
	from, width := d.x(0), d.x(until)-d.x(0)
	if width < 4 {
		width = 4 // it must be seen that something is missing
	}
	d.titled("rect", "not seen: the child was there before the exporter first saw it",
		attrs{"class", "fc-hatched", "fill", "url(#fc-hatch-" + d.name + ")", "x", from, "y", d.plotTop, "width", width, "height", d.plotBottom - d.plotTop})
	if width > textWidth("not seen")+16 {
		d.text("fc-muted fc-halo", "middle", from+width/2, d.plotBottom-12, "not seen")
	}
}

// references draws what the curve is read against: the server's own points and
// final figure, and the resident bytes at the fork.
func (d *large) references() {
	if res, ok := d.ResidentBytes.Get(); ok && d.showResident {
		d.titled("line", "resident bytes of the server at the fork: "+words.Bytes(res),
			attrs{"class", "fc-resident", "x1", d.left, "y1", d.y(res), "x2", d.labelsX() + 8, "y2", d.y(res)})
	}
	if c, ok := d.ReportedCOWBytes.Get(); ok {
		d.titled("line", "the server's own final figure: "+words.Bytes(c),
			attrs{"class", "fc-final", "x1", d.x(0), "y1", d.y(c), "x2", d.labelsX() + 8, "y2", d.y(c)})
	}
	for _, r := range d.reported {
		d.titled("circle", reportedTitle(r), attrs{"class", "fc-reported", "cx", d.x(r.Seconds), "cy", d.y(r.COWBytes), "r", 4.5})
	}
}

// ending draws the death as a line, or the present moment while the child lives.
func (d *large) ending() {
	x := d.x(d.end)
	class := OutcomeClass(d.Outcome)
	tip := "end: " + words.Outcome(d.Outcome)
	if cause := words.Cause(&d.Record); cause != "" {
		tip += ", " + cause
	}
	switch {
	case d.running:
		tip = "now: the child is running"
	case d.endKnown:
		tip += ", " + words.Seconds(d.end) + " after birth"
	default:
		tip += "; when is not known"
	}
	d.titled("line", tip, attrs{"class", "fc-death fc-" + class, "x1", x, "y1", d.plotTop - 14, "x2", x, "y2", d.plotBottom})
	if n := len(d.points); n > 0 {
		p := d.points[n-1]
		endMark(&d.canvas, d.Outcome, d.x(p.t), d.y(p.b), 4.5)
	}
}
