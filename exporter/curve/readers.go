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
	mu    sync.Mutex
	known map[reader]*visited
}

type visited struct {
	next place
	last time.Time
}

// visit returns a reader's place. A new one has its place from its first
// request on, not from its first success: what was cut off is not lost.
//
// A 17th reader is refused. Were the longest idle one forgotten instead, 17 that
// take turns would forget each other for ever, and all get points twice or not
// at all; and a loop over names could take the place of a Prometheus.
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
		next, ok := r.furthest(who.name)
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

// furthest is how far a name has come at any address. A Prometheus that comes
// back under a new address goes on from there: what it has is not sent again.
func (r *readers) furthest(name string) (place, bool) {
	var next place
	for w, v := range r.known {
		if w.name == name {
			next = later(next, v.next)
		}
	}
	return next, next != nil
}

// move moves a reader's place forward: of two responses that it was sent at the
// same time the later counts.
func (r *readers) move(who reader, to place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v := r.known[who]; v != nil {
		v.next = later(v.next, to)
	}
}

// later is the later of two places on each line.
func later(a, b place) place {
	out := make(place, len(b))
	for _, p := range [...]place{a, b} {
		for k, n := range p {
			out[k] = max(out[k], n)
		}
	}
	return out
}

// tooManyError says that there is no room for another reader.
type tooManyError struct{ wait time.Duration }

func (e *tooManyError) Error() string {
	return fmt.Sprintf("%d readers have a place at this exporter, and there is room for no more: "+
		"the one that has been away longest is forgotten in %s", maxReaders, e.wait.Round(time.Second))
}
