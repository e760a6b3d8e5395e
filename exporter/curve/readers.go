package curve

import (
	"fmt"
	"sync"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
)

const (
	maxReaders = 16
	idleTime   = history.FeedTime // then nothing is kept of what it has not read
)

// reader is who has a place. The address tells two Prometheus with one
// configuration apart: each gets everything.
type reader struct{ name, host string }

// readers are the known ones. The zero value has none.
type readers struct {
	mu    sync.Mutex // guards known, and each of these
	known map[reader]*visited
}

type visited struct {
	next place
	last time.Time
}

// visit returns the place of the reader who, who visits at the time now. A new one
// has its place from its first request on, not from its first success: what was cut
// off is not lost. feeds are what there is to read.
//
// A 17th reader is refused. Were the longest idle one forgotten instead, 17 that take
// turns would forget each other for ever, and all get points twice or not at all; and
// a loop over names could take the place of a Prometheus.
func (r *readers) visit(who reader, feeds []history.Feed, now time.Time) (place, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	idlest := now
	for w, v := range r.known {
		if now.Sub(v.last) > idleTime {
			delete(r.known, w)
		} else if v.last.Before(idlest) {
			idlest = v.last
		}
	}
	v := r.known[who]
	if v == nil {
		if len(r.known) >= maxReaders {
			return nil, &tooManyError{wait: idleTime - now.Sub(idlest)}
		}
		next, ok := r.furthestLocked(who.name)
		if !ok {
			next = since(feeds, now.Add(-window))
		}
		v = &visited{next: next}
		if r.known == nil {
			r.known = map[reader]*visited{}
		}
		r.known[who] = v
	}
	v.last = now
	return v.next, nil
}

// furthestLocked returns how far the name has come at any address; false where nobody
// has it. A Prometheus that comes back under a new address goes on from there: what
// it has is not sent again.
func (r *readers) furthestLocked(name string) (place, bool) {
	var next place
	for w, v := range r.known {
		if w.name == name {
			next = later(next, v.next)
		}
	}
	return next, next != nil
}

// move moves the place of the reader who forward to the place to: of two responses
// that it was sent at the same time the later counts.
func (r *readers) move(who reader, to place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v := r.known[who]; v != nil {
		v.next = later(v.next, to)
	}
}

// later returns on each line the later of the places a and b.
func later(a, b place) place {
	out := make(place, len(b))
	for _, p := range [...]place{a, b} {
		for k, n := range p {
			out[k] = max(out[k], n)
		}
	}
	return out
}

// tooManyError reports that there is no room for another reader; wait is for how
// long.
type tooManyError struct{ wait time.Duration }

func (e *tooManyError) Error() string {
	return fmt.Sprintf("%d readers have a place at this exporter, and there is room for no more: "+
		"the one that has been away longest is forgotten in %s", maxReaders, e.wait.Round(time.Second))
}
