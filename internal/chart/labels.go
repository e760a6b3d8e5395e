package chart

import (
	"slices"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// label is a text that wants to stand at the height of what it names.
type label struct {
	class string
	text  string
	title string
	want  float64 // y of the thing
	y     float64 // y given to the text's middle
}

// spread gives each label a y of its own, as near to the one it wants as the
// others allow, at least gap apart and between lo and hi while they fit there.
func spread(ls []label, gap, lo, hi float64) {
	slices.SortStableFunc(ls, func(a, b label) int { return cmpFloat(a.want, b.want) })
	next := lo
	for i := range ls {
		ls[i].y = max(ls[i].want, next)
		next = ls[i].y + gap
	}
	limit := hi
	for i := len(ls) - 1; i >= 0; i-- {
		ls[i].y = min(ls[i].y, limit)
		limit = ls[i].y - gap
	}
}

// textWidth returns an estimate of the width of s in pixels at 12 px in a common sans
// serif, a little too wide rather than too narrow; nothing on the server can measure
// it.
func textWidth(s string) float64 { return 6.7 * float64(len([]rune(s))) }

// gutterLabels names the figures at their height, right of the end.
func (d *large) gutterLabels() {
	var ls []label
	if p, ok := d.top.Get(); ok {
		name := "peak "
		if n := len(d.points); d.running && n > 0 && d.points[n-1].b == p {
			name = "now "
		}
		ls = append(ls, label{class: "fc-strong fc-copy-text", text: name + words.Bytes(p), title: "highest private dirty read: " + words.ExactBytes(p), want: d.y(p)})
	}
	if c, whole, ok := d.copiedSoFar(); ok {
		l := label{class: "fc-strong fc-copied-text", text: "copied " + words.Bytes(c), title: "copied by the kernel for the server's writes: " + words.ExactBytes(c), want: d.y(c)}
		if !whole {
			l.text = "copied ≥ " + words.Bytes(c)
			l.title = "copied by the kernel for the server's writes: at least " + words.ExactBytes(c) + "; the rest can't be told"
		}
		ls = append(ls, l)
	}
	if c, ok := d.ReportedCOWBytes.Get(); ok {
		ls = append(ls, label{class: "fc-strong fc-reported-text", text: "final " + words.Bytes(c), title: "the server's own final figure: " + words.ExactBytes(c), want: d.y(c)})
	}
	if res, ok := d.ResidentBytes.Get(); ok && res > 0 {
		l := label{class: "fc-muted", text: "resident " + words.Bytes(res), title: "resident bytes of the server at the fork: " + words.ExactBytes(res), want: d.y(res)}
		if !d.showResident {
			l.text, l.want = "↑ resident "+words.Bytes(res), d.plotTop
			l.title += "; above the scale"
		}
		ls = append(ls, l)
	}
	spread(ls, 17, d.plotTop+6, d.plotBottom-8)
	end := d.labelsX()
	for _, l := range ls {
		if moved := l.y - l.want; moved > 3 || moved < -3 {
			if l.want > d.plotTop {
				var p path
				p.to('M', end+8, l.want)
				p.to('L', end+15, l.y)
				d.leaf("path", attrs{"class", "fc-leader", "d", p.String()})
			}
		} else {
			d.leaf("line", attrs{"class", "fc-leader", "x1", end + 8, "y1", l.want, "x2", end + 15, "y2", l.want})
		}
		d.open("g", nil)
		d.title(l.title)
		d.text(l.class, "start", end+18, l.y+4, l.text)
		d.close("g")
	}
}
