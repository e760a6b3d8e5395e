// Package outlook tells a person at a terminal what internal/forecast found: will
// the server survive its next fork, and what will that cost. The commands check
// and measure say it in the same words. What is not known is said to be so.
package outlook

import (
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/terminal"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

const (
	notKnown = "not known"
	noBasis  = "no fork of this server has been seen to its end yet"
)

// Answer says in one sentence whether the server will survive.
func Answer(s forecast.Survival) string {
	word := map[forecast.Verdict]string{
		forecast.Yes:     "Yes",
		forecast.Likely:  "Probably",
		forecast.No:      "No",
		forecast.Unknown: "Not known",
	}[s.Verdict]
	if s.Why == "" {
		return word + "."
	}
	return word + ": " + strings.TrimSuffix(s.Why, ".") + "."
}

// Rows tell what the fork is expected to need, and what each limit would leave at
// the worst moment.
func Rows(s forecast.Survival) []terminal.Row {
	rows := []terminal.Row{stallRow(s.Fork), memoryRow(s.Fork)}
	if worst, ok := s.Fork.WorstCase.Get(); ok {
		rows = append(rows, terminal.Row{Name: "at worst", Value: words.Bytes(worst), Note: "if every page were written to while the child lives"})
	}
	if len(s.Needs) == 0 {
		rows = append(rows, terminal.Row{Name: "left", Value: notKnown, Note: "no limit can be read here"})
	}
	for _, n := range s.Needs {
		rows = append(rows, leftRow(n))
	}
	return rows
}

func stallRow(f forecast.Fork) terminal.Row {
	stall, ok := f.Stall.Get()
	if !ok {
		return terminal.Row{Name: "stall", Value: notKnown, Note: noBasis}
	}
	return terminal.Row{Name: "stall", Value: words.Seconds(stall.Seconds), Note: stall.Why}
}

func memoryRow(f forecast.Fork) terminal.Row {
	m, ok := f.Memory.Get()
	if !ok {
		return terminal.Row{Name: "memory", Value: notKnown, Note: noBasis}
	}
	return terminal.Row{Name: "memory", Value: words.Bytes(m.Bytes), Note: m.Why}
}

// leftRow tells what a limit would leave.
func leftRow(n forecast.Need) terminal.Row {
	name, has := string(n.Limit)+" left", words.Bytes(n.Bytes)
	where := ""
	if n.Limit == forecast.LimitCgroup {
		where = " below the limit of " + words.Bytes(n.Of) + " of " + n.Cgroup
	}
	switch left, ok := n.Left().Get(); {
	case !ok:
		return terminal.Row{Name: name, Value: notKnown, Note: has + " are free now" + where}
	case left < 0:
		return terminal.Row{Name: name, Value: "−" + words.Bytes(uint64(-left)), Note: "that much too little: " + has + " are free now" + where}
	default:
		return terminal.Row{Name: name, Value: words.Bytes(uint64(left)), Note: "of the " + has + " that are free now" + where}
	}
}

// Head names the fork that the rest is about.
func Head(st *history.ServerState, s forecast.Survival) string {
	what := "next fork"
	if s.Fork.Kind != fork.KindUnknown {
		what = "next " + words.Kind(s.Fork.Kind)
	}
	head := "The " + what + " of " + st.Addr
	if r, ok := st.ResidentBytes.Get(); ok {
		head += " (" + words.Bytes(r) + " resident)"
	}
	return head
}
