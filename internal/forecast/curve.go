package forecast

import (
	"math"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// fewWrites is how many writes a fork has to have seen for its curve to say
// anything about more of them.
const fewWrites = 100

// curve is a fork's extra memory over the writes since the fork, ascending in both.
// Over time two forks under different loads have nothing in common; over writes
// they nearly fall together.
type curve struct {
	points   []fork.ExtraPoint
	resident float64 // of the server at the fork
}

// curveOf returns the curve of f; false where its record has none.
func curveOf(f *fork.Record) (curve, bool) {
	resident, ok := f.ResidentBytes.Get()
	if !ok || f.Partial || len(f.ExtraCurve) == 0 || resident == 0 {
		return curve{}, false
	}
	c := curve{resident: float64(resident), points: []fork.ExtraPoint{{}}}
	for _, p := range f.ExtraCurve {
		last := c.points[len(c.points)-1]
		p.Changes, p.Bytes = max(p.Changes, last.Changes), max(p.Bytes, last.Bytes)
		c.points = append(c.points, p)
	}
	return c, true
}

// at returns the bytes that the curve reads at a number of writes, for a server that
// has resident bytes now; false where the fork saw too few writes to tell. A server of
// twice the size copies twice as much with twice the writes: the curve is scaled in
// both.
func (c curve) at(writes, resident float64) (float64, bool) {
	scale := resident / c.resident
	bytes, ok := c.read(writes / scale)
	return bytes * scale, ok
}

// distance returns how far writes is from the writes that the fork saw, as the
// logarithm of the factor between them.
func (c curve) distance(writes, resident float64) float64 {
	all := c.points[len(c.points)-1].Changes * resident / c.resident
	return math.Abs(math.Log((writes + 1) / (all + 1)))
}

func (c curve) read(writes float64) (float64, bool) {
	last := c.points[len(c.points)-1]
	switch {
	case writes > last.Changes && last.Changes < fewWrites:
		return 0, false
	case writes > last.Changes:
		return c.beyond(writes), true
	}
	for i, p := range c.points {
		if p.Changes < writes {
			continue
		}
		if i == 0 || p.Changes == c.points[i-1].Changes {
			return float64(p.Bytes), true
		}
		from := c.points[i-1]
		part := (writes - from.Changes) / (p.Changes - from.Changes)
		return float64(from.Bytes) + part*(float64(p.Bytes)-float64(from.Bytes)), true
	}
	return float64(last.Bytes), true
}

// beyond returns what the curve would read at writes, which are more than it has: as if
// every write hit a page by chance, which it may have hit before. Real writes hit the
// same pages more often than that, so it comes out too high rather than too low. What
// grew beyond nearly everything that there was goes on evenly.
func (c curve) beyond(writes float64) float64 {
	const nearlyAll = 0.95
	last := c.points[len(c.points)-1]
	part := float64(last.Bytes) / c.resident
	if part > nearlyAll {
		return float64(last.Bytes) * writes / last.Changes
	}
	perWrite := -math.Log1p(-part) / last.Changes
	return c.resident * -math.Expm1(-perWrite*writes)
}
