package words

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// NotKnown stands where a figure would.
const NotKnown = "not known"

// Figure is a line of a table: what it is, how much, and what to know about it. It is
// an alias, so that a package that lays out tables need not import this one.
type Figure = struct{ Name, Value, Note string }

// Head returns the name of the fork that s is about, with that of its server st.
func Head(st *track.State, s *forecast.Survival) string {
	what := "next fork"
	if s.Fork.Kind != fork.KindUnknown {
		what = "next " + Kind(s.Fork.Kind)
	}
	head := "The " + what + " of " + st.Addr
	if r, ok := st.ResidentBytes.Get(); ok {
		head += " (" + Bytes(r) + " resident)"
	}
	return head
}

// Outlook returns what the fork is expected to need, and what each limit would leave
// at the worst moment.
func Outlook(s *forecast.Survival) []Figure {
	figures := []Figure{stallFigure(&s.Fork), memoryFigure(&s.Fork)}
	if worst, ok := s.Fork.WorstCase.Get(); ok {
		figures = append(figures, Figure{"at worst", Bytes(worst), EveryPage})
	}
	if len(s.Needs) == 0 {
		figures = append(figures, Figure{"left", NotKnown, "no limit can be read here"})
	}
	for _, n := range s.Needs {
		figures = append(figures, leftFigure(n))
	}
	return figures
}

func stallFigure(f *forecast.Fork) Figure {
	stall, ok := f.Stall.Get()
	if !ok {
		return Figure{"stall", NotKnown, NoBasis(f.NoStall)}
	}
	return Figure{"stall", Seconds(stall.Seconds), Stall(stall)}
}

func memoryFigure(f *forecast.Fork) Figure {
	m, ok := f.Memory.Get()
	if !ok {
		return Figure{"memory", NotKnown, NoBasis(f.NoMemory)}
	}
	return Figure{"memory", Bytes(m.Bytes), Memory(m)}
}

// leftFigure returns what a limit would leave.
func leftFigure(n forecast.Need) Figure {
	name, has := string(n.Limit)+" left", Bytes(n.Bytes)
	where := ""
	if n.Limit == forecast.LimitCgroup {
		where = " below the limit of " + Bytes(n.Of) + " of " + n.Cgroup
	}
	switch left, ok := n.Left().Get(); {
	case !ok:
		return Figure{name, NotKnown, has + " are free now" + where}
	case left < 0:
		return Figure{name, "−" + Bytes(uint64(-left)), "that much too little: " + has + " are free now" + where}
	default:
		return Figure{name, Bytes(uint64(left)), "of the " + has + " that are free now" + where}
	}
}
