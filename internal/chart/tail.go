package chart

import "github.com/redis-fork-exporter/redis_fork_exporter/internal/words"

// tailText returns what stands below the tail's band, "" without a tail.
func (v *view) tailText() string {
	if t, ok := v.Tail.Get(); ok {
		return "tail " + words.Tail(t)
	}
	if v.tailGoing {
		return "tail: still going"
	}
	return ""
}

// tailBand draws the time after the death. Its width says nothing: the tail can
// be twenty times as long as the life, which would be squeezed to a sliver. The
// axis is therefore broken before it, and its far edge is torn where the tail
// was not followed to its end.
func (d *large) tailBand() {
	text := d.tailText()
	if text == "" {
		return
	}
	const gap = 5.0
	left, right := d.x(d.extent)+gap, d.labelsX()
	tip := "tail: after the child's death the server's first write to each page that is still protected costs a fault, without a copy"
	t, ended := d.Tail.Get()
	if ended {
		tip += "; " + words.Count(t.Faults) + " write faults, " + words.Tail(t)
	}
	tip += " (not to scale)"
	stripY := d.plotTop - 14
	d.titled("rect", tip, attrs{"class", "fc-tail-strip", "x", left, "y", stripY, "width", right - left, "height", 5.0})
	d.titled("path", tip, attrs{"class", "fc-tail", "d", d.tailShape(left, right, ended && !t.Truncated)})
	d.leaf("line", attrs{"class", "fc-axis", "x1", left, "y1", d.plotBottom, "x2", right, "y2", d.plotBottom})
	var cut path
	for _, x := range [...]float64{left - gap, left} {
		cut.to('M', x-2, d.plotBottom+5)
		cut.to('L', x+2, d.plotBottom-5)
	}
	d.leaf("path", attrs{"class", "fc-cut-axis", "d", cut.String()})
	x := min(left, d.plotRight()-textWidth(text))
	d.text("fc-tail-text", "start", x, d.plotBottom+39+d.tailRow, text)
}

// tailShape returns the outline of the band from left to right: straight at the far
// edge where the tail is whole, else torn.
func (d *large) tailShape(left, right float64, whole bool) string {
	var p path
	p.to('M', right, d.plotTop)
	p.to('L', left, d.plotTop)
	p.to('L', left, d.plotBottom)
	p.to('L', right, d.plotBottom)
	if !whole {
		const tooth = 8.0
		in := true
		for y := d.plotBottom - tooth; y > d.plotTop; y -= tooth {
			x := right
			if in {
				x -= 5
			}
			p.to('L', x, y)
			in = !in
		}
	}
	p.close()
	return p.String()
}
