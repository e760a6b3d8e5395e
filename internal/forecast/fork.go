package forecast

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Basis is what a figure is made from.
type Basis string

// The bases, the best first.
const (
	// BasisCurves are the curves of past forks over the number of writes, read off
	// at the number of writes to be expected.
	BasisCurves Basis = "curves"
	// BasisPeaks are the peaks of past forks, scaled with the server's size: how
	// many writes to expect is not known.
	BasisPeaks Basis = "peaks"
	// BasisReported is what the server itself said of its last fork, from before
	// the exporter came.
	BasisReported Basis = "reported"
	// BasisStalls are the durations of past forks, scaled with the server's size.
	BasisStalls Basis = "stalls"
)

// Fork is the forecast of the next fork of one kind.
type Fork struct {
	Kind   history.Kind
	Memory opt.Val[Memory]
	// WorstCase is what it would need if every page of the server were written to
	// while the child lives, in bytes.
	WorstCase opt.Val[uint64]
	Stall     opt.Val[Stall]
	// LifetimeSeconds is how long the child is expected to live, and Writes how
	// many keys are expected to change meanwhile.
	LifetimeSeconds opt.Val[float64]
	Writes          opt.Val[float64]
}

// Memory is what a fork is expected to need, in bytes.
type Memory struct {
	Bytes      uint64 // Extra and PageTables together
	Extra      uint64 // what server and child together will hold more than the server now
	PageTables uint64 // of the child
	Basis      Basis
	Forks      int    // how many past forks it is made from
	Why        string // the basis in one sentence for people
}

// Stall is how long fork(2) is expected to take.
type Stall struct {
	Seconds float64
	Basis   Basis
	Forks   int
	Why     string // the basis in one sentence for people
}

// OfKind forecasts the next fork of a kind.
func OfKind(st *history.ServerState, kind history.Kind) Fork {
	return Fork{Kind: kind}
}

// Next forecasts the next fork, of whatever kind: that of the kinds with a basis
// that needs the most memory. Its Kind is unknown where none has a basis.
func Next(st *history.ServerState) Fork {
	return Fork{Kind: history.KindUnknown}
}
