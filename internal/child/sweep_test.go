package child

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
	dead          int  // every so many-th value belongs to no key: the child never gives it back; 0: none
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
		if m.dead > 0 && from/m.value%m.dead == 0 {
			continue
		}
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

// die makes values private that the server had freed before the fork.
func (m *memory) die(from, to int) {
	for n := from; n < to; n++ {
		at := n * m.dead * m.value
		for i := at; i < at+m.value; i++ {
			if !m.private[i] {
				m.private[i] = true
				m.count++
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
		for page := range 64 {
			i := p*64 + page
			if m.private[i] {
				r.Private |= 1 << page
			}
			if !m.gone[i] {
				r.Resident |= 1 << page
			}
		}
		out = append(out, r)
	}
	return out
}

// A save of 20 s with a point every 100 ms: the estimate follows, and tells how
// far it may be off.
func TestSweepFollowsAChild(t *testing.T) {
	const steps, atOnce = 200, proc.PlacesAtOnce
	for name, c := range map[string]struct {
		places, value, writes, back int
		start                       int // the step of the first read
		skewed                      bool
		bursts                      bool    // all writes of 2 s come in 300 ms
		bound                       float64 // largest error, as a share of all pages
		dead                        int     // every so many-th value was freed before the fork, and is given back by the server in bursts
		wide                        float64 // largest error that may be stated, as a share of all pages
	}{
		"1 GiB, small values":                {4096, 1, 1200, 0, 0, false, false, .012, 0, .075},
		"1 GiB, 64 KiB values":               {4096, 16, 75, 0, 0, false, false, .025, 0, .09},
		"1 GiB, values of 1 MiB":             {4096, 256, 5, 0, 0, false, false, .08, 0, .11},
		"8 GiB, small values":                {32768, 1, 9600, 0, 0, false, false, .012, 0, .28},
		"8 GiB, 64 KiB values":               {32768, 16, 600, 0, 0, false, false, .04, 0, .29},
		"1 GiB, 64 KiB values, given back":   {4096, 16, 75, 60, 0, false, false, .03, 0, .09},
		"1 GiB, 64 KiB values, freed before": {4096, 16, 40, 150, 0, false, true, .03, 5, .105},
		"1 GiB, begun late":                  {4096, 16, 75, 0, 30, false, false, .05, 0, .15},
		"1 GiB, skewed":                      {4096, 1, 2400, 0, 0, true, false, .02, 0, .105},
		"8 GiB, skewed":                      {32768, 1, 19200, 0, 0, true, false, .04, 0, .29},
		"8 GiB, 64 KiB, skewed":              {32768, 16, 1200, 0, 0, true, false, .04, 0, .3},
		"1 GiB, 64 KiB, in bursts":           {4096, 16, 75, 0, 0, false, true, .02, 0, .105},
		"hardly any writes":                  {4096, 1, 2, 0, 0, false, false, .0005, 0, .001},
		"none":                               {4096, 1, 0, 0, 0, false, false, .0005, 0, .001},
	} {
		t.Run(name, func(t *testing.T) {
			all := c.places * 64
			m := memory{private: make([]bool, all), gone: make([]bool, all), value: c.value, skewed: c.skewed, dead: c.dead, rand: rand.New(rand.NewPCG(1, 2))}
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
				work += float64(writes*c.value+1) / float64(all)
				if c.dead > 0 && step%20 == 0 && step < steps/2 {
					dead := all / m.value / c.dead
					now, next := dead*step/(steps/2), dead*(step+20)/(steps/2)
					m.die(now, next)
					work += float64((next-now)*m.value) / float64(all)
				}
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
			t.Logf("%s: private in the end %.1f %% of all and %.1f %% of what is left, worst %.2f %%, rms %.2f %%, widest error %.2f %%, %v of %v points outside of theirs",
				name, 100*float64(m.count)/float64(all), 100*float64(m.count)/float64(all-m.left), 100*worst, 100*math.Sqrt(squares/points), 100*widest, outside, points)
			if worst > c.bound {
				t.Errorf("off by up to %.2f %% of the pages", 100*worst)
			}
			if widest > c.wide {
				t.Errorf("said to be off by up to %.2f %% of the pages", 100*widest)
			}
			if outside > points/20 {
				t.Errorf("%v of %v points are further off than they say", outside, points)
			}
		})
	}
}

// At nothing read, nothing there and nothing done an estimate is still a number.
func TestSweepOfNothing(t *testing.T) {
	const places = 2 * proc.PlacesAtOnce
	s := newSweep(places, proc.PlacesAtOnce, 1, 0)
	if _, off := s.estimate(0, 0); !math.IsInf(off, 1) {
		t.Errorf("nothing was read, and the estimate is off by at most %v", off)
	}
	for from := 0; from < 2*places; from += proc.PlacesAtOnce {
		reads := make([]proc.PlaceRead, proc.PlacesAtOnce)
		for i := range reads {
			reads[i].Place = from%places + i
		}
		s.take(0, 0, reads)
		s.anchor(0, 0, 0)
		for _, child := range []float64{0, 1, 1e6} {
			if pages, off := s.estimate(0, child); math.IsNaN(pages) || math.IsNaN(off) {
				t.Errorf("of %v pages %v are private, ± %v", child, pages, off)
			}
		}
	}
}

// Whatever was asked before, private pages go at their pace, and no more are kept
// than are left.
func TestShrinkingKeeps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		k := shrinking{pace: 3 * r.Float64()}
		for range 20 {
			private, shared := 4096*r.Float64(), 4096*r.Float64()
			left := 1.1 * r.Float64() * (private + shared)
			kept := k.remaining(private, shared, left)
			if kept < 0 || kept > min(private, left) {
				t.Fatalf("of %v private and %v shared %v are left, %v of these private", private, shared, left, kept)
			}
			others := shared * math.Pow(kept/private, 1/k.pace)
			if left < private+shared && math.Abs(left-kept-others) > 1 {
				t.Errorf("of %v private and %v shared %v are left, %v of these private; at a pace of %v %v would be shared", private, shared, left, kept, k.pace, others)
			}
		}
	}
	k := shrinking{} // private pages stay
	for _, left := range []float64{150, 50, 120} {
		if got := k.remaining(100, 100, left); math.Abs(got-min(100, left)) > 0.1 {
			t.Errorf("%v of %v", got, left)
		}
	}
}

func BenchmarkSweepOf8GiB(b *testing.B) {
	const places = 32 << 10
	s := newSweep(places, proc.PlacesAtOnce, 1, places*64)
	reads := make([]proc.PlaceRead, proc.PlacesAtOnce)
	for from := 0; from < places; from += proc.PlacesAtOnce {
		for i := range reads {
			reads[i] = proc.PlaceRead{Place: from + i, Resident: math.MaxUint64, Private: 0xFFFF << (from % 48)}
		}
		s.take(float64(from)/places, places*64-float64(from), reads)
	}
	for b.Loop() {
		s.estimate(1.1, places*30)
	}
}
