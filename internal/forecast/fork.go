package forecast

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
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
	// BasisReported is what the server itself said of its last fork: none was
	// followed yet, or their memory could not be read.
	BasisReported Basis = "reported"
	// BasisStalls are the durations of past forks, scaled with the server's size.
	BasisStalls Basis = "stalls"
)

// NoBasis is why there is no forecast of a figure.
type NoBasis string

// The reasons.
const (
	NoForks     NoBasis = "no_forks"     // no fork is known
	FewWrites   NoBasis = "few_writes"   // the forks that are known say nothing of so many writes
	NoReadings  NoBasis = "no_readings"  // the memory of the forks that are known could not be read
	NoDurations NoBasis = "no_durations" // how long fork(2) took is not known of any
)

// NoBases lists every NoBasis.
var NoBases = [...]NoBasis{NoForks, FewWrites, NoReadings, NoDurations}

// Fork is the forecast of the next fork of one kind.
type Fork struct {
	Kind     fork.Kind
	Memory   opt.Val[Memory]
	NoMemory NoBasis // why Memory is absent; "" where it is not
	// WorstCase is what it would need if every page of the server were written to
	// while the child lives, in bytes.
	WorstCase opt.Val[uint64]
	Stall     opt.Val[Stall]
	NoStall   NoBasis // why Stall is absent; "" where it is not
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
	Forks      int // how many past forks it is made from
}

// Stall is how long fork(2) is expected to take.
type Stall struct {
	Seconds float64
	Basis   Basis
	Forks   int // how many past forks it is made from
}

// OfKind returns the forecast of the next fork of kind of the server st.
func OfKind(st *track.State, kind fork.Kind) Fork {
	f := Fork{Kind: kind, Stall: stall(st)}
	past := forksOf(st, kind)
	f.LifetimeSeconds = lifetime(st, kind, past)
	rate, ok1 := st.WriteRate.Get()
	life, ok2 := f.LifetimeSeconds.Get()
	if ok1 && ok2 && st.Up { // what was written before it fell silent says nothing of now
		f.Writes = opt.Of(max(0, rate) * life)
	}
	f.Memory = memory(st, past, f)
	if !f.Memory.Present() {
		f.NoMemory = noMemory(past)
	}
	if !f.Stall.Present() {
		f.NoStall = noStall(st)
	}
	f.WorstCase = worstCase(st, f)
	return f
}

// Next returns the forecast of the next fork of the server st, of whatever kind: of the
// kinds with a basis, the one that needs the most memory. Its Kind is unknown where no
// kind has a basis.
func Next(st *track.State) Fork {
	best, found := Fork{}, false
	for _, kind := range fork.Kinds {
		if !hasBasis(st, kind) {
			continue
		}
		if f := OfKind(st, kind); !found || need(f) > need(best) {
			best, found = f, true
		}
	}
	if !found {
		return OfKind(st, fork.KindUnknown)
	}
	return best
}

func need(f Fork) uint64 {
	m, _ := f.Memory.Get()
	return m.Bytes
}

// hasBasis reports whether a fork of kind is to be expected at all: one has been seen,
// or the server st says that it had one.
func hasBasis(st *track.State, kind fork.Kind) bool {
	for i := range st.Recent {
		if st.Recent[i].Kind == kind {
			return true
		}
	}
	return reported(st, kind).Present()
}

// forksOf returns the kept forks of kind that were seen from their beginning, newest
// first. Where there are none it returns those of the other kinds: what a write copies
// is the same for all.
func forksOf(st *track.State, kind fork.Kind) []*fork.Record {
	var own, other []*fork.Record
	for i := range st.Recent {
		f := &st.Recent[i]
		switch {
		case f.Partial:
		case f.Kind == kind:
			if len(own) < track.RecentForks {
				own = append(own, f)
			}
		default:
			other = append(other, f)
		}
	}
	if len(own) > 0 {
		return own
	}
	return other[:min(len(other), track.RecentForks)]
}

// current returns the last INFO of the server st, nil while it does not answer.
func current(st *track.State) *redisinfo.Info {
	if !st.Up {
		return nil
	}
	return st.Info
}

// resident returns how much memory the server st has resident now, by INFO where its
// process is not known.
func resident(st *track.State) opt.Val[uint64] {
	if info := current(st); !st.ResidentBytes.Present() && info != nil {
		return info.UsedMemoryRSS
	}
	return st.ResidentBytes
}
