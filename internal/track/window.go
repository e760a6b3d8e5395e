package track

import (
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

const (
	// rateWindow is over how long rates are taken: as long as a fork may live, and
	// short enough to follow a load that changes.
	rateWindow = 30 * time.Second
	// rateAtLeast is the shortest time that a rate can be told from.
	rateAtLeast = 500 * time.Millisecond
	// justBefore is how far the growth beyond the last reading looks back.
	justBefore = 2 * time.Second
)

// window is a quantity as it was over the last rateWindow.
type window []reading

type reading struct {
	at    time.Time
	value float64
}

// add appends a reading, and forgets what is older than the window but for one.
func (w *window) add(at time.Time, value float64) {
	for len(*w) > 1 && at.Sub((*w)[1].at) >= rateWindow {
		*w = (*w)[1:]
	}
	*w = append(*w, reading{at, value})
}

// rate returns the quantity's growth per second; absent where the readings are too close.
func (w window) rate() opt.Val[float64] { return w.rateOf(rateWindow) }

// rateOf returns its growth per second over the last time late.
func (w window) rateOf(late time.Duration) opt.Val[float64] {
	if len(w) == 0 {
		return opt.Val[float64]{}
	}
	last, i := w[len(w)-1], len(w)-1
	for i > 0 && last.at.Sub(w[i].at) < late {
		i--
	}
	first := w[i]
	took := last.at.Sub(first.at)
	if took < rateAtLeast {
		return opt.Val[float64]{}
	}
	return opt.Of((last.value - first.value) / took.Seconds())
}

// value returns the quantity at a time: between two readings it is taken to have grown
// evenly, after the last one as fast as just before it. Absent before the first.
func (w window) value(at time.Time) opt.Val[float64] {
	if len(w) == 0 || at.Before(w[0].at) {
		return opt.Val[float64]{}
	}
	for i, from := range slices.Backward(w) {
		if at.Before(from.at) {
			continue
		}
		perSecond := w.rateOf(justBefore).Or(0)
		if i+1 < len(w) {
			to := w[i+1]
			perSecond = (to.value - from.value) / to.at.Sub(from.at).Seconds()
		}
		return opt.Of(from.value + perSecond*at.Sub(from.at).Seconds())
	}
	return opt.Val[float64]{}
}
