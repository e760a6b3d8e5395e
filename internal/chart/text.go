package chart

import (
	"math"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// Sizes of a picture made of characters.
const (
	textLeast  = 40  // columns; a narrower terminal wraps
	textMost   = 132 // a wider one gains nothing
	textRows   = 14  // of the plot
	textGutter = 19  // columns right of the end, for labels
	textIndent = 2
)

// Text draws f's life in characters, at most width columns wide, for a terminal:
// private dirty as a line, copied as a dashed one, the server's own figures as
// rings. Now matters only while f runs. With color it has ANSI sequences in it.
func Text(f fork.Record, now time.Time, width int, color bool) string {
	d := &textChart{view: viewOf(f, now)}
	d.layout(width)
	d.axes()
	d.resident()
	d.line(d.copied, inkCopied, func(x int) bool { return x/dotsX%2 == 0 })
	d.line(d.points, inkDirty, func(int) bool { return true })
	d.dots()
	d.ending()
	d.labels()
	return d.String(color)
}

// textChart is one picture being drawn.
type textChart struct {
	view
	*grid

	plotLeft, plotRight int // columns: the first, and the first one beyond
	plotTop, plotBottom int // rows: the first, and that of the axis
	topBytes            float64
	showResident        bool
	bytes               axis
}

func (d *textChart) layout(width int) {
	width = min(max(width, textLeast), textMost) - 1 // the last column makes some terminals wrap
	d.topBytes, d.showResident = d.scale()
	d.bytes = byteAxis(d.topBytes, textRows/3)
	numbers := len([]rune(d.bytes.unit))
	for _, t := range d.bytes.ticks {
		numbers = max(numbers, len([]rune(d.bytes.label(t))))
	}
	d.plotLeft = textIndent + numbers + 2
	d.plotRight = width - textGutter
	d.plotTop, d.plotBottom = 1, 1+textRows
	d.grid = newGrid(width, d.plotBottom+4)
}

// x returns where the moment t stands, in dots; y does so for a size.
func (d *textChart) x(t float64) int {
	return d.plotLeft*dotsX + int(math.Round(t/d.extent*float64((d.plotRight-d.plotLeft)*dotsX-1)))
}

func (d *textChart) y(b uint64) int {
	return d.plotBottom*dotsY - 1 - int(math.Round(float64(b)/d.topBytes*float64((d.plotBottom-d.plotTop)*dotsY-1)))
}

func (d *textChart) axes() {
	d.writeRight(d.plotLeft-2, 0, d.bytes.unit, inkMuted)
	for row := d.plotTop; row < d.plotBottom; row++ {
		d.put(d.plotLeft-1, row, '│', inkMuted)
	}
	for _, t := range d.bytes.ticks {
		row := d.y(uint64(t)) / dotsY
		if t == 0 {
			row = d.plotBottom
		}
		d.writeRight(d.plotLeft-2, row, d.bytes.label(t), inkMuted)
		d.put(d.plotLeft-1, row, '┤', inkMuted)
	}
	d.put(d.plotLeft-1, d.plotBottom, '└', inkMuted)
	for x := d.plotLeft; x < d.plotRight; x++ {
		d.put(x, d.plotBottom, '─', inkMuted)
	}
	at := timeAxis(d.extent, (d.plotRight-d.plotLeft)/12)
	for _, t := range at.ticks {
		x := d.x(t) / dotsX
		label := at.label(t)
		d.put(x, d.plotBottom, '┬', inkMuted)
		d.write(x-(len(label)-1)/2, d.plotBottom+1, label, inkMuted)
	}
	d.write(d.plotRight+2, d.plotBottom+1, at.unit, inkMuted) // the last tick's number may reach beyond the plot
}

// writeRight writes a text that ends before x.
func (d *textChart) writeRight(x, y int, s string, i ink) {
	d.write(x-len([]rune(s)), y, s, i)
}

// resident draws the server's memory at the fork, where it is in reach.
func (d *textChart) resident() {
	if res, ok := d.ResidentBytes.Get(); ok && d.showResident {
		for x := d.plotLeft; x < d.plotRight; x++ {
			d.put(x, d.y(res)/dotsY, '╌', inkMuted)
		}
	}
}

// line draws a line through its points, without its gaps.
func (d *textChart) line(ps []point, i ink, shown func(x int) bool) {
	for _, run := range runs(ps) {
		for n, p := range run {
			from := run[max(0, n-1)]
			d.grid.line(d.x(from.t), d.y(from.b), d.x(p.t), d.y(p.b), i, shown)
		}
	}
}

// dots draws the server's own figures.
func (d *textChart) dots() {
	for _, r := range d.reported {
		d.put(d.x(r.Seconds)/dotsX, d.y(r.COWBytes)/dotsY, '○', inkReported)
	}
}

// ending marks the child's death, where it was no good one.
func (d *textChart) ending() {
	if n := len(d.points); n > 0 && OutcomeClass(d.Outcome) == "bad" {
		p := d.points[n-1]
		d.put(d.x(p.t)/dotsX, d.y(p.b)/dotsY, '×', inkBad)
	}
	if len(d.points) == 0 && len(d.copied) == 0 {
		text := "no reading of the child's memory"
		d.write((d.plotLeft+d.plotRight-len(text))/2, (d.plotTop+d.plotBottom)/2, text, inkMuted)
	}
}

// labels names the figures right of the end at their heights, and below the
// picture what its lines are.
func (d *textChart) labels() {
	var ls []label
	inks := map[string]ink{}
	add := func(text string, b uint64, i ink) {
		ls = append(ls, label{text: text, want: float64(d.y(b) / dotsY)})
		inks[text] = i
	}
	if p, ok := d.top.Get(); ok {
		add("peak "+words.Bytes(p), p, inkDirty)
	}
	if c, whole, ok := d.copiedSoFar(); ok {
		name := "copied "
		if !whole {
			name += "≥ "
		}
		add(name+words.Bytes(c), c, inkCopied)
	}
	if c, ok := d.ReportedCOWBytes.Get(); ok {
		add("final "+words.Bytes(c), c, inkReported)
	}
	if res, ok := d.ResidentBytes.Get(); ok && d.showResident {
		add("resident "+words.Bytes(res), res, inkMuted)
	}
	spread(ls, 1, float64(d.plotTop), float64(d.plotBottom-1))
	for _, l := range ls {
		d.write(d.plotRight+1, int(math.Round(l.y)), l.text, inks[l.text])
	}

	x, y := d.plotLeft, d.plotBottom+3
	key := func(mark string, i ink, text string) {
		d.write(x, y, mark, i)
		x += len([]rune(mark)) + 1
		d.write(x, y, text, inkMuted)
		x += len([]rune(text)) + 3
	}
	if len(d.points) > 0 {
		key("⠒⠒⠒", inkDirty, "private dirty")
	}
	if len(d.copied) > 0 {
		key("⠒ ⠒", inkCopied, "copied")
	}
	if len(d.reported) > 0 {
		key("○", inkReported, "the server's own figures")
	}
	if OutcomeClass(d.Outcome) == "bad" {
		key("×", inkBad, words.Outcome(d.Outcome))
	}
}

// ansi are the colors of the inks: those of the terminal's own palette, which are
// readable on its background.
var ansi = map[ink]string{inkMuted: "\x1b[2m", inkCopied: "\x1b[33m", inkDirty: "\x1b[36m", inkReported: "\x1b[35m", inkBad: "\x1b[31m"}

// String writes the picture line by line, without spaces at the lines' ends.
func (d *textChart) String(color bool) string {
	var b strings.Builder
	for y := range d.h {
		row := d.cells[y*d.w : (y+1)*d.w]
		for len(row) > 0 && row[len(row)-1].rune() == ' ' {
			row = row[:len(row)-1]
		}
		now := inkNone
		for _, c := range row {
			i := c.ink
			if c.rune() == ' ' {
				i = now // a space has no color
			}
			if color && i != now {
				if now != inkNone {
					b.WriteString("\x1b[0m")
				}
				b.WriteString(ansi[i])
				now = i
			}
			b.WriteRune(c.rune())
		}
		if now != inkNone {
			b.WriteString("\x1b[0m")
		}
		b.WriteByte('\n')
	}
	return b.String()
}
