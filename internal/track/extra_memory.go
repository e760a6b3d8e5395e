package track

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// MaxExtraPoints bounds a curve over writes: 50 to 100 points say all there is to
// say, however long a save takes.
const MaxExtraPoints = 100

// noteChangesAtBirth notes how many keys had been changed at a fork's birth, as soon
// as it is known: with the first reply after it.
func (s *Server) noteChangesAtBirth(f *openFork) {
	if !f.changesAtBirth.Present() {
		f.changesAtBirth = s.changes.counted.value(f.Start)
	}
}

// changesSince returns how many keys have been changed from a fork's birth to at.
func (s *Server) changesSince(f *openFork, at time.Time) opt.Val[float64] {
	s.noteChangesAtBirth(f)
	born, ok1 := f.changesAtBirth.Get()
	now, ok2 := s.changes.counted.value(at).Get()
	if !ok1 || !ok2 || f.Partial {
		return opt.Val[float64]{}
	}
	return opt.Of(max(0, now-born))
}

// addExtraPoint adds the newest reading to a fork's curve over writes, if it is news. The
// curve takes one with each reply to INFO, which tells how much had been written by then.
func (s *Server) addExtraPoint(f *openFork) {
	e, ok := f.extra.Get()
	if !ok {
		return
	}
	changed, ok := s.changesSince(f, e.Time).Get()
	t := e.Time.Sub(f.Start).Seconds()
	if n := len(f.ExtraCurve); !ok || n > 0 && f.ExtraCurve[n-1].Seconds >= t {
		return
	}
	f.ExtraCurve = thinned(f.ExtraCurve, fork.ExtraPoint{Seconds: t, Changes: changed, Bytes: e.Bytes},
		MaxExtraPoints, func(p fork.ExtraPoint) uint64 { return p.Bytes })
}
