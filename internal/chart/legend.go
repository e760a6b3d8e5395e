package chart

import "slices"

// legend draws the key row by row and so decides where the plot begins. Only
// what the picture holds is explained.
func (d *large) legend() {
	type entry struct {
		text string
		mark func(x, y float64)
	}
	line := func(class string) func(x, y float64) {
		return func(x, y float64) {
			d.leaf("line", attrs{"class", class, "x1", x, "y1", y, "x2", x + 18, "y2", y})
		}
	}
	var es []entry
	if len(d.points) > 0 {
		es = append(es, entry{"private dirty", line("fc-line")})
	}
	if d.dots() && slices.ContainsFunc(d.points, func(p point) bool { return !p.exact() }) {
		es = append(es, entry{"read exactly", func(x, y float64) {
			d.leaf("line", attrs{"class", "fc-line", "x1", x, "y1", y, "x2", x + 18, "y2", y})
			d.leaf("circle", attrs{"class", "fc-dot", "cx", x + 9, "cy", y, "r", 3.0})
		}})
	}
	if d.errorShown() {
		es = append(es, entry{"margin of error", func(x, y float64) {
			d.leaf("rect", attrs{"class", "fc-error", "x", x, "y", y - 5, "width", 18, "height", 10})
		}})
	}
	if len(d.copied) > 0 {
		es = append(es, entry{"copied", line("fc-copied")})
	}
	if len(runs(d.points)) > 1 || len(runs(d.copied)) > 1 {
		es = append(es, entry{"not known", line("fc-gap")})
	}
	if len(d.reported) > 0 {
		es = append(es, entry{"reported by the server", func(x, y float64) {
			d.leaf("circle", attrs{"class", "fc-reported", "cx", x + 9, "cy", y, "r", 4.5})
		}})
	}
	if d.ReportedCOWBytes.Present() {
		es = append(es, entry{"the server's final figure", line("fc-final")})
	}
	if d.showResident {
		es = append(es, entry{"resident at the fork", line("fc-resident")})
	}
	if d.Partial {
		es = append(es, entry{"not seen", func(x, y float64) {
			d.leaf("rect", attrs{"class", "fc-hatched", "fill", "url(#fc-hatch-" + d.name + ")", "x", x, "y", y - 5, "width", 18, "height", 10})
		}})
	}

	const rowHeight, sample, gap = 20.0, 24.0, 22.0
	x, y := d.left, 14.0
	for _, e := range es {
		width := sample + textWidth(e.text)
		if x > d.left && x+width > d.plotRight() {
			x, y = d.left, y+rowHeight
		}
		e.mark(x, y)
		d.text("fc-key", "start", x+sample, y+4, e.text)
		x += width + gap
	}
	d.plotTop = y + 52
	d.plotBottom = d.h - d.bottom
}
