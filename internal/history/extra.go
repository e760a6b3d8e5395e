package history

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// maxExtraPoints bounds a curve over writes: 50 to 100 points say all there is to
// say, however long a save takes.
const maxExtraPoints = 100

// AddExtra adds a reading to an open record. Its curve takes one with each reply
// to INFO, which tells how much had been written by then.
func (s *Server) AddExtra(id string, e fork.Extra) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(id)
	if r == nil || r.dead || r.Partial {
		return
	}
	r.extra = opt.Of(e)
	r.ExtraPeakBytes = opt.Of(max(r.ExtraPeakBytes.Or(0), e.Bytes))
	r.ExtraSource = e.Source
}

// noteChangesAtBirth notes how many keys had been changed at a fork's birth, as soon
// as it is known: with the first reply after it.
func (s *Server) noteChangesAtBirth(r *running) {
	if !r.changesAtBirth.Present() {
		r.changesAtBirth = s.changes.counted.value(r.Start)
	}
}

// changesSince is how many keys have been changed from a fork's birth to a time.
func (s *Server) changesSince(r *running, at time.Time) opt.Val[float64] {
	s.noteChangesAtBirth(r)
	born, ok1 := r.changesAtBirth.Get()
	now, ok2 := s.changes.counted.value(at).Get()
	if !ok1 || !ok2 || r.Partial {
		return opt.Val[float64]{}
	}
	return opt.Of(max(0, now-born))
}

// addExtraPoint adds the newest reading to a fork's curve, if it is news.
func (s *Server) addExtraPoint(r *running) {
	e, ok := r.extra.Get()
	if !ok {
		return
	}
	changed, ok := s.changesSince(r, e.Time).Get()
	t := e.Time.Sub(r.Start).Seconds()
	if n := len(r.ExtraCurve); !ok || n > 0 && r.ExtraCurve[n-1].Seconds >= t {
		return
	}
	r.ExtraCurve = thinned(r.ExtraCurve, fork.ExtraPoint{Seconds: t, Changes: changed, Bytes: e.Bytes},
		maxExtraPoints, func(p fork.ExtraPoint) uint64 { return p.Bytes })
}
