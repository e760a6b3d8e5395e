package history

import (
	"slices"
	"sync"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// Server is one server's part of a Store. It is safe for concurrent use.
type Server struct {
	name string

	mu      sync.Mutex // guards what follows
	tracked *track.Server
	ring    []fork.Record // closed, oldest first, at most RingSize
	feed    feed
}

// Apply takes an event that happened by now. It keeps what is to be kept of it, and
// returns the rest of the actions for the caller to carry out.
func (s *Server) Apply(e track.Event, now time.Time) []track.Action {
	s.mu.Lock()
	defer s.mu.Unlock()
	actions := s.tracked.Apply(e, now)
	for _, a := range actions {
		s.keepLocked(a, now)
	}
	if _, ok := e.(track.Second); ok {
		s.feed.prune(now) // forks or not
	}
	return actions
}

func (s *Server) keepLocked(a track.Action, now time.Time) {
	switch a := a.(type) {
	case track.Opened:
		s.feed.open(a.Record, a.From)
	case track.Drawn:
		s.feed.draw(a, now)
	case track.LinesEnded:
		s.feed.end(a, now)
	case track.Dropped:
		s.feed.forget(a.ID)
	case track.Closed:
		s.feed.forget(a.Record.ID)
		if len(s.ring) == RingSize {
			s.ring = s.ring[1:]
		}
		s.ring = append(s.ring, a.Record)
	case track.TailKnown:
		for i := range s.ring {
			if s.ring[i].ID == a.ID {
				s.ring[i].Tail = opt.Of(a.Tail)
			}
		}
	}
}

// Waiting reports whether track.Tick has to come.
func (s *Server) Waiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tracked.Waiting()
}

// Check returns an error if the server's accounts do not add up.
func (s *Server) Check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tracked.Check()
}

// State returns a copy of the server's state as of now.
func (s *Server) State() track.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tracked.Apply(track.Scraped{}, time.Now())
	out := s.tracked.State()
	out.Recent = s.recentLocked()
	return out
}

// recentLocked returns the last track.RecentForks closed forks of each kind, newest first.
func (s *Server) recentLocked() []fork.Record {
	var out []fork.Record
	of := map[fork.Kind]int{}
	for _, f := range slices.Backward(s.ring) {
		if of[f.Kind] < track.RecentForks {
			of[f.Kind]++
			out = append(out, f)
		}
	}
	return out
}

// Forks returns the running and the kept forks, newest first.
func (s *Server) Forks() []fork.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := append(slices.Clone(s.ring), s.tracked.Open()...)
	slices.SortStableFunc(out, func(a, b fork.Record) int { return b.Start.Compare(a.Start) })
	return out
}

func (s *Server) fork(id string) (fork.Record, bool) {
	for _, f := range s.Forks() {
		if f.ID == id {
			return f, true
		}
	}
	return fork.Record{}, false
}

func (s *Server) points() Feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed.prune(time.Now())
	out := Feed{Server: s.name, Lines: s.feed.lines}
	for i := range out.Lines {
		out.Lines[i].Points = slices.Clip(out.Lines[i].Points)
	}
	return out
}
