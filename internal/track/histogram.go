package track

import (
	"maps"
	"slices"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// Histogram counts observations below ascending limits, as Prometheus' classic
// histograms do. The zero value has no limits; make one with NewHistogram.
type Histogram struct {
	limits []float64
	counts []uint64 // per bucket, not cumulative; observations above the last limit are in count only
	Sum    float64
	Count  uint64
}

// NewHistogram returns a Histogram with the given ascending upper limits.
func NewHistogram(limits ...float64) Histogram {
	return Histogram{limits: limits, counts: make([]uint64, len(limits))}
}

// Observe counts v into the first bucket whose limit is v or more.
func (h *Histogram) Observe(v float64) {
	if i, _ := slices.BinarySearch(h.limits, v); i < len(h.counts) {
		h.counts[i]++
	}
	h.Sum += v
	h.Count++
}

// Cumulative returns, per limit, how many observations were at or below it.
func (h *Histogram) Cumulative() map[float64]uint64 {
	out := make(map[float64]uint64, len(h.limits))
	var n uint64
	for i, limit := range h.limits {
		n += h.counts[i]
		out[limit] = n
	}
	return out
}

func (h *Histogram) clone() Histogram {
	c := *h
	c.counts = slices.Clone(h.counts)
	return c
}

// clone copies t so that it can be read without its owner's lock.
func (t *Totals) clone() Totals {
	c := *t
	c.Stall, c.PeakRatio = t.Stall.clone(), t.PeakRatio.clone()
	c.Children, c.Cancelled, c.ChildSeconds = maps.Clone(t.Children), maps.Clone(t.Cancelled), maps.Clone(t.ChildSeconds)
	c.Failed = make(map[fork.Kind]map[fork.Reason]uint64, len(t.Failed))
	for k, byReason := range t.Failed {
		c.Failed[k] = maps.Clone(byReason)
	}
	c.Refused, c.ReadErrors = maps.Clone(t.Refused), maps.Clone(t.ReadErrors)
	c.Reads, c.ReadsDeferred = maps.Clone(t.Reads), maps.Clone(t.ReadsDeferred)
	c.ReadSeconds = maps.Clone(t.ReadSeconds)
	return c
}
