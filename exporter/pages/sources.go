package pages

import (
	"strconv"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// sourceState is what the landing page says of one source.
type sourceState struct {
	Name  string
	State string // a class: yes, no (something is wrong), or opt (absent, and the exporter does without)
	Text  string
}

// Mark returns a sign for the state, for those who see no color.
func (s sourceState) Mark() string {
	switch s.State {
	case "yes":
		return "✓"
	case "no":
		return "✗"
	}
	return "○"
}

// sources returns for each source whether it works, what is lost without it and what
// would bring it.
func sources(st track.State, samplingOff bool) []sourceState {
	info := sourceState{"INFO", "yes", "answered"}
	if !st.Up {
		info = sourceState{"INFO", "no", "no answer: nothing about this server is current"}
	}
	process := sourceState{Name: "process", State: "no"}
	if st.Available[fork.SourceProcess] {
		process.State = "yes"
	}
	if pid, ok := st.PID.Get(); ok {
		process.Text = "pid " + strconv.Itoa(pid) + ", verified"
	} else {
		process.Text = "not found: forks are known from INFO only, without a curve"
	}
	if samplingOff {
		return []sourceState{info, process, {"memory, copies", "opt", "not read: --sampling=off"}}
	}
	out := []sourceState{info, process, childSource(st)}
	if st.Available[fork.SourceProcess] { // the others are only looked for with it
		out = append(out, cgroupSource(st), taskstatsSource(st))
	}
	return out
}

func childSource(st track.State) sourceState {
	cgroup := st.Available[fork.SourceCgroup]
	switch {
	case st.Available[fork.SourceChildSmaps] && st.Available[fork.SourcePagemap]:
		return sourceState{"child's memory", "yes", "readable, page by page too"}
	case st.Available[fork.SourceChildSmaps] && cgroup: // which tells what the pages would
		return sourceState{"child's memory", "yes", "readable"}
	case st.Available[fork.SourceChildSmaps]:
		return sourceState{"child's memory", "yes", "readable, but not page by page: " + words.Gaps + "; " + words.ReadPages(words.TheExporter)}
	case st.Available[fork.SourceProcess] && cgroup:
		return sourceState{"child's memory", "opt", "not readable: " + words.CgroupCurve + "; " + words.ReadSmaps(words.TheExporter)}
	case st.Available[fork.SourceProcess]:
		return sourceState{"child's memory", "no", "not readable: " + words.NoCurve + ", but what was copied is counted; " + words.ReadSmaps(words.TheExporter)}
	}
	return sourceState{"child's memory", "no", "not readable: " + words.NoCurve}
}

func cgroupSource(st track.State) sourceState {
	if st.Available[fork.SourceCgroup] {
		return sourceState{"memory cgroup", "yes", "own cgroup: exact curve at no cost"}
	}
	return sourceState{"memory cgroup", "opt", "shared or not visible: " + words.CountCurve}
}

func taskstatsSource(st track.State) sourceState {
	if st.Available[fork.SourceTaskstats] {
		return sourceState{"taskstats", "yes", "the time that copies take is known"}
	}
	return sourceState{"taskstats", "opt", words.NoCopyTime + "; " + words.ReadDelays(words.TheExporter)}
}
