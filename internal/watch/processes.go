package watch

import "github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"

// Processes says which process belongs to which server: none belongs to two.
// fleet.Processes does.
type Processes interface {
	// Claim gives the process id to server and returns it, with a nil freed. If the
	// process belongs to another server, that is the owner, and freed is closed when
	// it has let the process go.
	Claim(id proc.ID, server string) (owner string, freed <-chan struct{})
	// Release ends server's claim on the process id, if it has one.
	Release(id proc.ID, server string)
}
