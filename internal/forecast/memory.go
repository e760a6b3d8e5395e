package forecast

import (
	"math"
	"slices"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

const (
	// lifetimes is the number of past forks whose middle lifetime is expected again.
	lifetimes = 3
	// Margin is the factor between what is read off a past fork and the forecast.
	// Recorded series of forks decided on both: docs/forecast.md.
	Margin = 1.13
)

// lifetime returns how many seconds the next child is expected to live: the middle one of
// the last of past that ended well (of two the longer), scaled with the size of the
// server; without one, what INFO says of the last fork of kind.
func lifetime(st *track.State, kind fork.Kind, past []*fork.Record) opt.Val[float64] {
	now, sized := resident(st).Get()
	var lived []float64
	for _, f := range past {
		life, ok1 := f.LifetimeSeconds.Get()
		then, ok2 := f.ResidentBytes.Get()
		if f.Outcome != fork.OutcomeOK || !ok1 || !ok2 || then == 0 || !sized {
			continue
		}
		if lived = append(lived, life*float64(now)/float64(then)); len(lived) == lifetimes {
			break
		}
	}
	if len(lived) > 0 {
		slices.Sort(lived)
		return opt.Of(lived[len(lived)/2])
	}
	info := current(st)
	if info == nil {
		return opt.Val[float64]{}
	}
	var seconds opt.Val[int64]
	switch kind {
	case fork.KindRDB:
		seconds = info.LastBGSaveSeconds
	case fork.KindAOF:
		seconds = info.LastAOFRewriteSeconds
	case fork.KindReplication, fork.KindModule, fork.KindSlotMigration, fork.KindUnknown:
	}
	if s, ok := seconds.Get(); ok {
		return opt.Of(float64(s + 1)) // whole seconds, rounded down
	}
	return opt.Val[float64]{}
}

// memory returns what the fork f is expected to need, by past forks or by what the
// server says of its last.
func memory(st *track.State, past []*fork.Record, f Fork) opt.Val[Memory] {
	m, ok := byCurves(st, past, f)
	if !ok && !f.Writes.Present() {
		m, ok = byPeaks(st, past)
	}
	if !ok && !slices.ContainsFunc(past, hasCurve) {
		m, ok = byReport(st, f)
	}
	if !ok {
		return opt.Val[Memory]{}
	}
	m.PageTables = st.PageTableBytes.Or(0)
	m.Bytes = m.Extra + m.PageTables
	return opt.Of(m)
}

// noMemory returns why no forecast of the memory can be made from past.
func noMemory(past []*fork.Record) NoBasis {
	switch {
	case len(past) == 0:
		return NoForks
	case slices.ContainsFunc(past, hasCurve):
		return FewWrites
	}
	return NoReadings
}

func hasCurve(f *fork.Record) bool { return len(f.ExtraCurve) > 0 }

// byCurves returns what a past fork's curve reads at the writes that f expects, and a
// margin on top; false without such a curve. Of the past forks it takes the one nearest
// in writes, the newest of equals: the end of a curve tells more of a fork's peak than
// its middle does, and far more than what lies beyond.
func byCurves(st *track.State, past []*fork.Record, f Fork) (Memory, bool) {
	m := Memory{Basis: BasisCurves}
	writes, ok1 := f.Writes.Get()
	size, ok2 := resident(st).Get()
	if !ok1 || !ok2 {
		return m, false
	}
	nearest := math.Inf(1)
	for _, p := range past {
		c, ok := curveOf(p)
		if !ok {
			continue
		}
		distance := c.distance(writes, float64(size))
		if bytes, ok := c.at(writes, float64(size)); ok && distance < nearest {
			nearest = distance
			m.Extra, m.Forks = uint64(Margin*bytes), 1
		}
	}
	return m, m.Forks > 0
}

// byPeaks returns the highest peak of past, scaled with the size of the server; false
// where no peak is known.
func byPeaks(st *track.State, past []*fork.Record) (Memory, bool) {
	size, sized := resident(st).Get()
	m := Memory{Basis: BasisPeaks}
	for _, p := range past {
		peak, ok1 := p.ExtraPeakBytes.Get()
		if !ok1 {
			peak, ok1 = p.PeakBytes.Get()
		}
		then, ok2 := p.ResidentBytes.Get()
		if !ok1 || !ok2 || then == 0 || !sized {
			continue
		}
		m.Extra = max(m.Extra, uint64(float64(peak)*float64(size)/float64(then)))
		m.Forks++
	}
	return m, m.Forks > 0
}

// byReport returns the server's own figure about its last fork of the kind of f, and
// what the server grows by while f lives; false without such a figure.
func byReport(st *track.State, f Fork) (Memory, bool) {
	bytes, ok := reported(st, f.Kind).Get()
	return Memory{Extra: bytes + growth(st, f), Basis: BasisReported}, ok
}

// reported returns the server's own figure about its last fork of kind; absent where it
// had none.
func reported(st *track.State, kind fork.Kind) opt.Val[uint64] {
	info := current(st)
	var bytes opt.Val[uint64]
	switch {
	case info == nil:
	case kind == fork.KindRDB:
		bytes = info.RDBLastCOWBytes
	case kind == fork.KindAOF:
		bytes = info.AOFLastCOWBytes
	case kind == fork.KindModule:
		bytes = info.ModuleForkLastCOWBytes
	}
	if bytes.Or(0) == 0 { // never
		return opt.Val[uint64]{}
	}
	return bytes
}

// worstCase returns the bytes of a copy of every page that the server has, of the
// child's page tables, and of what the server grows by while f lives.
func worstCase(st *track.State, f Fork) opt.Val[uint64] {
	anonymous, ok := st.AnonymousBytes.Get()
	if !ok {
		anonymous, ok = st.ResidentBytes.Get()
	}
	if !ok {
		return opt.Val[uint64]{}
	}
	return opt.Of(max(need(f), anonymous+st.PageTableBytes.Or(0)+growth(st, f)))
}

// growth returns how many bytes the server grows by while the child of f lives, if it
// goes on as it does: new keys, and buffers for replicas and for the append-only file.
func growth(st *track.State, f Fork) uint64 {
	return uint64(max(0, st.GrowthRate.Or(0)) * f.LifetimeSeconds.Or(0))
}
