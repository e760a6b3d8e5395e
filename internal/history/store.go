package history

import (
	"cmp"
	"slices"
	"sync"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// RingSize is how many closed forks are kept per server.
const RingSize = 200

// Snapshot is the state of all servers, sorted by name.
type Snapshot struct {
	Servers []track.State
	Host    limits.Host
}

// Store is the history of all watched servers. It is safe for concurrent use.
type Store struct {
	mu      sync.Mutex // guards what follows
	servers []*Server  // sorted by name
	host    limits.Host
}

// New makes an empty Store.
func New() *Store { return &Store{} }

// AddServer registers a server under a name that no other has. addr is for
// people and holds no credentials.
func (s *Store) AddServer(name, addr string) *Server {
	srv := &Server{name: name, tracked: track.New(name, addr)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers = append(s.servers, srv)
	slices.SortFunc(s.servers, func(a, b *Server) int { return cmp.Compare(a.name, b.name) })
	return srv
}

// SetHost stores what is known of the machine.
func (s *Store) SetHost(h limits.Host) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.host = h
}

func (s *Store) all() ([]*Server, limits.Host) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.servers), s.host
}

// Snapshot copies the state of every server.
func (s *Store) Snapshot() Snapshot {
	servers, host := s.all()
	out := Snapshot{Host: host, Servers: make([]track.State, 0, len(servers))}
	for _, srv := range servers {
		out.Servers = append(out.Servers, srv.State())
	}
	return out
}

// Forks returns the running and the kept forks of all servers, newest first.
func (s *Store) Forks() []fork.Record {
	servers, _ := s.all()
	var out []fork.Record
	for _, srv := range servers {
		out = append(out, srv.Forks()...)
	}
	slices.SortStableFunc(out, func(a, b fork.Record) int { return b.Start.Compare(a.Start) })
	return out
}

// Fork finds a running or kept fork by its ID.
func (s *Store) Fork(id string) (fork.Record, bool) {
	servers, _ := s.all()
	for _, srv := range servers {
		if f, ok := srv.fork(id); ok {
			return f, true
		}
	}
	return fork.Record{}, false
}
