package chart

// A braille character has two columns of four dots, so that a terminal of 80
// columns draws a line in 160 steps.
const (
	dotsX = 2
	dotsY = 4
)

// ink is whose dots or letters a cell holds; it becomes a color. Of two lines
// through one cell the one with the higher ink has it.
type ink int

const (
	inkNone ink = iota
	inkMuted
	inkCopied
	inkDirty
	inkReported
	inkBad
)

// cell is one character of a drawing: dots of a line, or a character of its own.
type cell struct {
	dots byte
	char rune // 0: the dots
	ink  ink
}

func (c cell) rune() rune {
	switch {
	case c.char != 0:
		return c.char
	case c.dots != 0:
		return 0x2800 + rune(c.dots)
	}
	return ' '
}

// grid is a drawing of w × h characters. What falls outside of it is not drawn.
type grid struct {
	w, h  int
	cells []cell
}

func newGrid(w, h int) *grid { return &grid{w: w, h: h, cells: make([]cell, w*h)} }

func (g *grid) at(x, y int) *cell {
	if x < 0 || y < 0 || x >= g.w || y >= g.h {
		return nil
	}
	return &g.cells[y*g.w+x]
}

// dotBits are the bits of a braille character's dots, by row and column.
var dotBits = [dotsY][dotsX]byte{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

// dot sets one dot, counted from the upper left corner.
func (g *grid) dot(x, y int, i ink) {
	if x < 0 || y < 0 {
		return
	}
	c := g.at(x/dotsX, y/dotsY)
	if c == nil {
		return
	}
	c.dots |= dotBits[y%dotsY][x%dotsX]
	c.ink = max(c.ink, i)
}

// line sets the dots from one point to another, and of these only those in
// columns that shown accepts.
func (g *grid) line(x1, y1, x2, y2 int, i ink, shown func(x int) bool) {
	steps := max(abs(x2-x1), abs(y2-y1), 1)
	for s := range steps + 1 {
		// Rounded to the nearest dot, also where a line falls.
		x := x1 + (2*s*(x2-x1)+steps)/(2*steps)
		y := y2 + (2*(steps-s)*(y1-y2)+steps)/(2*steps)
		if shown(x) {
			g.dot(x, y, i)
		}
	}
}

// put writes a character over whatever is there.
func (g *grid) put(x, y int, r rune, i ink) {
	if c := g.at(x, y); c != nil {
		c.char, c.ink = r, i
	}
}

// write writes a text from x on.
func (g *grid) write(x, y int, s string, i ink) {
	for _, r := range s {
		g.put(x, y, r, i)
		x++
	}
}

func abs(n int) int { return max(n, -n) }
