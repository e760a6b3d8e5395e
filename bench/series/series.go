package main

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// series is a load and the forks made under it.
type series struct {
	name      string
	kinds     []fork.Kind // drawn from at random
	minValue  int         // bytes; sizes are drawn evenly from minValue to maxValue
	maxValue  int
	firstKeys int     // at the first fork
	lastKeys  int     // at the last
	skew      float64 // a key is number keys·u^skew, u even in 0…1; 1 is no skew
	inserts   float64 // share of writes that add a key
	deletes   float64 // share of writes that remove one; it comes back with a later write
	rates     [2]float64
	lifetime  time.Duration // what a child is slowed down to live, about
	ownCgroup bool
}

var all = []series{
	{
		name: "growing", kinds: []fork.Kind{fork.KindRDB},
		minValue: 400, maxValue: 400, firstKeys: 220_000, lastKeys: 650_000,
		skew: 1, inserts: 0.05, rates: [2]float64{200, 8000}, lifetime: 6 * time.Second, ownCgroup: true,
	},
	{
		name: "skewed", kinds: []fork.Kind{fork.KindRDB, fork.KindAOF},
		minValue: 100, maxValue: 700, firstKeys: 350_000, lastKeys: 450_000,
		skew: 4, inserts: 0.02, deletes: 0.05, rates: [2]float64{200, 8000}, lifetime: 6 * time.Second, ownCgroup: true,
	},
	{
		name: "big", kinds: []fork.Kind{fork.KindRDB},
		minValue: 2 << 10, maxValue: 30 << 10, firstKeys: 9_000, lastKeys: 20_000,
		skew: 1, inserts: 0.05, rates: [2]float64{20, 600}, lifetime: 6 * time.Second, ownCgroup: false,
	},
}

// factors are by how much the write rate changes from one fork to the next.
var factors = [...]float64{1. / 6, 1. / 3, 1. / 2, 1, 1, 1, 2, 3, 6}

// nextRate draws the next write rate, within the series' bounds.
func (s *series) nextRate(r *rand.Rand, rate float64) float64 {
	for {
		next := rate * factors[r.IntN(len(factors))]
		if next >= s.rates[0] && next <= s.rates[1] {
			return next
		}
	}
}

// keysAt is how many keys there are to be at fork n of forks.
func (s *series) keysAt(n, forks int) int {
	grown := float64(n) / float64(max(1, forks-1))
	return s.firstKeys + int(grown*float64(s.lastKeys-s.firstKeys))
}

// delay is the rdb-key-save-delay that slows a child down: it sleeps so many
// microseconds per key, or below 0 one in so many keys.
func (s *series) delay(keys int) int {
	const shortest = 80e-6 // seconds that the shortest sleep takes
	perKey := s.lifetime.Seconds() / float64(keys)
	if perKey > shortest {
		return int((perKey - shortest) * 1e6)
	}
	return -int(math.Ceil(shortest / perKey))
}
