package fleet

import (
	"sync"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// Processes is the registry of which process belongs to which server of a fleet.
// No process belongs to two: their forks would be counted twice. It is safe for
// concurrent use.
type Processes struct {
	mu     sync.Mutex // guards claims
	claims map[proc.ID]claim
}

// claim is what a server has on a process.
type claim struct {
	server string
	freed  chan struct{} // closed when it ends
}

// NewProcesses returns a registry in which no process belongs to anybody.
func NewProcesses() *Processes { return &Processes{claims: map[proc.ID]claim{}} }

// Claim implements watch.Processes.
func (p *Processes) Claim(id proc.ID, server string) (owner string, freed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, claimed := p.claims[id]
	switch {
	case !claimed:
		p.claims[id] = claim{server, make(chan struct{})}
	case c.server != server:
		return c.server, c.freed
	}
	return server, nil
}

// Release implements watch.Processes.
func (p *Processes) Release(id proc.ID, server string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, claimed := p.claims[id]; claimed && c.server == server {
		delete(p.claims, id)
		close(c.freed)
	}
}
