package watch

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// memory is a child of so many places of 64 pages, whose server writes to random
// values of so many pages each.
type memory struct {
	private, gone []bool
	value         int
	skewed        bool // most writes go to few values
	count, left   int  // private pages, pages given back
	rand          *rand.Rand
}

func (m *memory) random() int {
	u := m.rand.Float64()
	if m.skewed {
		u = u * u * u * u
	}
	return int(u*float64(len(m.private)/m.value)) * m.value
}

func (m *memory) write(times int) {
	for range times {
		from := m.random()
		for i := from; i < from+m.value; i++ {
			if !m.private[i] && !m.gone[i] {
				m.private[i] = true
				m.count++
			}
		}
	}
}

// giveBack takes some values out of the child's memory.
func (m *memory) giveBack(times int) {
	for range times {
		from := m.random()
		for i := from; i < from+m.value; i++ {
			if m.private[i] {
				m.private[i] = false
				m.count--
			}
			if !m.gone[i] {
				m.gone[i] = true
				m.left++
			}
		}
	}
}

// read reads places in a shuffled order.
func (m *memory) read(order []int, from, to int) []proc.PlaceRead {
	var out []proc.PlaceRead
	for place := from; place < to; place++ {
		p := order[place]
		r := proc.PlaceRead{Place: place}
		for i := p * 64; i < p*64+64; i++ {
			switch {
			case m.private[i]:
				r.Private++
			case !m.gone[i]:
				r.Shared++
			}
		}
		out = append(out, r)
	}
	return out
}

// A save of 20 s with a point every 100 ms: the estimate follows, and tells how
// far it may be off.
func TestSweepFollowsAChild(t *testing.T) {
	const steps, atOnce = 200, 128
	for name, c := range map[string]struct {
		places, value, writes, back int
		start                       int // the step of the first read
		skewed                      bool
		bursts                      bool    // all writes of 2 s come in 300 ms
		bound                       float64 // largest error, as a share of all pages
	}{
		"1 GiB, small values":              {4096, 1, 1200, 0, 0, false, false, .012},
		"1 GiB, 64 KiB values":             {4096, 16, 75, 0, 0, false, false, .025},
		"1 GiB, values of 1 MiB":           {4096, 256, 5, 0, 0, false, false, .08},
		"8 GiB, small values":              {32768, 1, 9600, 0, 0, false, false, .012},
		"8 GiB, 64 KiB values":             {32768, 16, 600, 0, 0, false, false, .04},
		"1 GiB, 64 KiB values, given back": {4096, 16, 75, 60, 0, false, false, .03},
		"1 GiB, begun late":                {4096, 16, 75, 0, 30, false, false, .05},
		"1 GiB, skewed":                    {4096, 1, 2400, 0, 0, true, false, .02},
		"8 GiB, skewed":                    {32768, 1, 19200, 0, 0, true, false, .04},
		"8 GiB, 64 KiB, skewed":            {32768, 16, 1200, 0, 0, true, false, .04},
		"1 GiB, 64 KiB, in bursts":         {4096, 16, 75, 0, 0, false, true, .02},
		"hardly any writes":                {4096, 1, 2, 0, 0, false, false, .004},
		"none":                             {4096, 1, 0, 0, 0, false, false, .004},
	} {
		t.Run(name, func(t *testing.T) {
			all := c.places * 64
			m := memory{private: make([]bool, all), gone: make([]bool, all), value: c.value, skewed: c.skewed, rand: rand.New(rand.NewPCG(1, 2))}
			s := newSweep(c.places, atOnce, 1, float64(all))
			order := m.rand.Perm(c.places)
			var worst, squares, outside, points, widest float64
			var work float64
			for step := range steps {
				writes := c.writes
				if c.bursts {
					writes = c.writes / 20
					if step%20 < 3 {
						writes = c.writes * 6
					}
				}
				m.write(writes)
				work += float64(writes + 1)
				m.giveBack(c.back * step / steps)
				if step < c.start {
					continue
				}
				at := (step - c.start) * atOnce % c.places
				s.take(work, float64(all-m.left), m.read(order, at, at+atOnce))
				got, said := s.estimate(work, float64(all-m.left))
				off := math.Abs(got - float64(m.count))
				off /= float64(all)
				said /= float64(all)
				worst, squares, points = max(worst, off), squares+off*off, points+1
				widest = max(widest, said)
				if off > said {
					outside++
				}
			}
			t.Logf("%s: private in the end %.1f %%, worst %.2f %%, rms %.2f %%, widest error %.2f %%, %v of %v points outside of theirs",
				name, 100*float64(m.count)/float64(all), 100*worst, 100*math.Sqrt(squares/points), 100*widest, outside, points)
			if worst > c.bound {
				t.Errorf("off by up to %.2f %% of the pages", 100*worst)
			}
			if outside > points/20 {
				t.Errorf("%v of %v points are further off than they say", outside, points)
			}
		})
	}
}
