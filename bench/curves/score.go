package main

import (
	"math"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// score says how true one source's points of one curve are. All errors are in bytes.
type score struct {
	source  fork.Source
	points  int
	largest float64
	squares float64
	// outside counts points that are off by more than they admit, of those that
	// admit anything; beyond those that are off by more than that and the bound.
	outside, beyond int
}

func (s *score) rms() float64 { return math.Sqrt(s.squares / float64(max(1, s.points))) }

// take adds a point that is off by so much and admits as much as it says.
func (s *score) take(off, bound float64, admits opt.Val[uint64]) {
	s.points++
	s.largest = max(s.largest, off)
	s.squares += off * off
	own, ok := admits.Get()
	if ok && off > float64(own) {
		s.outside++
	}
	if off > max(bound, float64(own)) {
		s.beyond++
	}
}

// The bounds that a curve is held to.
const (
	boundOfPeak    = 0.02  // either line, of its highest value
	boundOfDataset = 0.005 // private dirty, of the server's resident memory
)

// scoreDirty holds a curve of private dirty memory to the truth, source by
// source. unchecked counts points that the truth does not reach: the one at the
// death comes after its last reading.
func scoreDirty(f *fork.Record, truth []truth, dataset float64) (scores []score, unchecked int) {
	bound := max(boundOfPeak*highest(truth), boundOfDataset*dataset)
	for _, p := range f.Curve {
		span, ok := spanAt(truth, moment(f, p.Seconds), bound)
		if !ok {
			unchecked++
			continue
		}
		of(&scores, p.Source).take(span.off(float64(p.PrivateDirty)), bound, p.Error)
	}
	return scores, unchecked
}

// scoreCopied does the same with what was copied.
func scoreCopied(f *fork.Record, truth []truth) (scores []score, unchecked int) {
	bound := boundOfPeak * highest(truth)
	for _, p := range f.CopiedCurve {
		span, ok := spanAt(truth, moment(f, p.Seconds), bound)
		if !ok {
			unchecked++
			continue
		}
		of(&scores, p.Source).take(span.off(float64(p.Bytes)), bound, p.Error)
	}
	return scores, unchecked
}

func moment(f *fork.Record, seconds float64) time.Time {
	return f.Start.Add(time.Duration(seconds * float64(time.Second)))
}

// of finds a source's score, or begins one.
func of(scores *[]score, source fork.Source) *score {
	for i := range *scores {
		if s := &(*scores)[i]; s.source == source {
			return s
		}
	}
	*scores = append(*scores, score{source: source})
	return &(*scores)[len(*scores)-1]
}

// slot is how often the curve promises a point, for the first part of a life.
const (
	slot     = 100 * time.Millisecond
	denseFor = 30 * time.Second
)

// filled is the share of a life's slots in which the curve has a point.
func filled(f *fork.Record) float64 {
	life := min(f.LifetimeSeconds.Or(0), denseFor.Seconds())
	slots := int(life / slot.Seconds())
	if slots == 0 {
		return 1
	}
	has := make([]bool, slots)
	for _, p := range f.Curve {
		if i := int(p.Seconds / slot.Seconds()); i >= 0 && i < slots {
			has[i] = true
		}
	}
	n := 0
	for _, h := range has {
		if h {
			n++
		}
	}
	return float64(n) / float64(slots)
}
