package pages

import (
	"strconv"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// sourceState is what the landing page says of one source.
type sourceState struct {
	Name  string
	State string // a class: yes, no (something is wrong), or opt (absent, and the exporter does without)
	Text  string
}

// Mark is the state without color.
func (s sourceState) Mark() string {
	switch s.State {
	case "yes":
		return "✓"
	case "no":
		return "✗"
	}
	return "○"
}

// sources says of each source whether it works, what is lost without it and
// what would bring it.
func sources(st history.ServerState, samplingOff bool) []sourceState {
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

func childSource(st history.ServerState) sourceState {
	switch {
	case st.Available[fork.SourceChildSmaps]:
		if !st.Available[fork.SourcePagemap] {
			return sourceState{"child's memory", "yes", "readable, but not page by page; " + words.ReadPages(words.TheExporter)}
		}
		return sourceState{"child's memory", "yes", "readable, page by page too"}
	case st.Available[fork.SourceProcess] && st.Available[fork.SourceCgroup]:
		return sourceState{"child's memory", "opt", "not readable: the curve is the cgroup's" + "; " + words.ReadSmaps(words.TheExporter)}
	case st.Available[fork.SourceProcess]:
		return sourceState{"child's memory", "no", "not readable: what was copied is counted, but there is no curve of the child's memory and no peak" + "; " + words.ReadSmaps(words.TheExporter)}
	}
	return sourceState{"child's memory", "no", "not readable: forks are followed without a curve and without a peak"}
}

func cgroupSource(st history.ServerState) sourceState {
	if st.Available[fork.SourceCgroup] {
		return sourceState{"memory cgroup", "yes", "own cgroup: exact curve at no cost"}
	}
	return sourceState{"memory cgroup", "opt", "shared or not visible: the curve comes from the child's memory and the counters"}
}

func taskstatsSource(st history.ServerState) sourceState {
	if st.Available[fork.SourceTaskstats] {
		return sourceState{"taskstats", "yes", "time of copies known"}
	}
	return sourceState{"taskstats", "opt", "time of copies not known; " + words.ReadDelays(words.TheExporter)}
}
