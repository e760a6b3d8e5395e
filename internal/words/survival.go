package words

import (
	"fmt"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
)

// EveryPage is the worst case, and BelowHigh what little room below memory.high leads to.
const (
	EveryPage = "if every page is written to while the child lives"
	BelowHigh = "left below memory.high: the kernel will slow the server down"
)

// Answer returns in one sentence whether the server will survive, and why.
func Answer(s *forecast.Survival) string {
	return Verdict(s.Verdict) + ": " + Sentence(Why(s.Why))
}

// Verdict returns verdict as the answer to a question.
func Verdict(verdict forecast.Verdict) string {
	switch verdict {
	case forecast.Yes:
		return "Yes"
	case forecast.Likely:
		return "Probably"
	case forecast.No:
		return "No"
	case forecast.Unknown:
	}
	return "Not known"
}

// Why returns what a verdict rests on, as a clause.
func Why(why forecast.Why) string {
	switch why.Ground {
	case forecast.Refused:
		return "the kernel would refuse it: " + Refusal(why.Refusal)
	case forecast.Killed:
		return "its memory cgroup has no room for the child's page tables: the kernel would kill the server in fork(2)"
	case forecast.TooLittle:
		return "it is expected to need more than " + whose(why.Limit) + " leaves"
	case forecast.WorstFits:
		return "also " + EveryPage
	case forecast.WorstExceeds:
		return "as expected it fits, but " + EveryPage + " it does not"
	case forecast.CgroupUnseen:
		return "the host's memory is enough, but whether its memory cgroup has a limit can't be seen"
	case forecast.NoLimits:
		return "neither the host's memory nor the server's cgroup can be read"
	case forecast.NoForecast:
		return "no fork has been seen yet that tells what this server's forks need, and " + EveryPage + " it does not fit"
	}
	return string(why.Ground)
}

// Refusal returns, as a clause, why the kernel would refuse a fork for one reason, or
// why it would not.
func Refusal(r forecast.Refusal) string {
	if r.Reason == forecast.ReasonTasks {
		if r.Refused {
			return r.Tasks + " is reached: not one more process may be made"
		}
		return "there is room for one more process below " + r.Tasks
	}
	switch r.Rule {
	case forecast.RuleNone:
		return "vm.overcommit_memory is 1: the kernel refuses no fork for its size"
	case forecast.RuleFree:
		if r.Refused {
			return "vm.overcommit_memory is 0, and this kernel (before 5.2) thinks that a mapping of the server is larger than all memory that could be freed"
		}
		return "vm.overcommit_memory is 0, and this kernel (before 5.2) thinks that memory could be freed for every mapping of the server"
	case forecast.RuleTotal:
		if r.Refused {
			return "vm.overcommit_memory is 0, and a mapping of the server is larger than memory and swap together"
		}
		return "vm.overcommit_memory is 0, and no mapping of the server is larger than memory and swap together"
	case forecast.RuleCommit:
		if r.Refused {
			return "vm.overcommit_memory is 2, and what the kernel accounts of the server is more than the commit limit leaves"
		}
		return "vm.overcommit_memory is 2, and the commit limit leaves more than what the kernel accounts of the server"
	}
	return string(r.Rule)
}

// Limit returns limit as people read it.
func Limit(limit forecast.Limit) string {
	switch limit {
	case forecast.LimitCgroup:
		return "memory cgroup"
	case forecast.LimitHost:
		return "host"
	case forecast.LimitCommit:
		return "commit limit"
	}
	return string(limit)
}

// whose returns limit as it reads before "leaves".
func whose(limit forecast.Limit) string {
	if limit == forecast.LimitCgroup {
		return "its " + Limit(limit)
	}
	return "the " + Limit(limit)
}

// NoBasis returns, as a clause, why there is no forecast of a figure.
func NoBasis(why forecast.NoBasis) string {
	switch why {
	case forecast.NoForks:
		return "no fork of it has been seen from its beginning to its end, and the server tells of none"
	case forecast.FewWrites:
		return "the forks that were seen had hardly any writes, or did not live to their end: they say nothing of more"
	case forecast.NoReadings:
		return "the memory of the forks that were seen could not be read"
	case forecast.NoDurations:
		return "how long the forks that were seen took is not known"
	}
	return string(why)
}

// Memory returns, as a clause, what the forecast m of a fork's memory is made from.
func Memory(m forecast.Memory) string {
	switch m.Basis {
	case forecast.BasisCurves:
		return fmt.Sprintf("%.0f %% above what the past fork nearest to it in writes needed by the time of as many as are expected now", 100*(forecast.Margin-1))
	case forecast.BasisPeaks:
		return ofLast(m.Forks, "the peak of the last fork", "the highest peak of the last %d forks") + ", scaled with the size of the server: how many writes to expect is not known"
	case forecast.BasisReported:
		return "what the server said of its last fork, which has no curve; how much was written then is not known"
	case forecast.BasisStalls:
	}
	return string(m.Basis)
}

// Stall returns, as a clause, what the forecast s of a fork's stall is made from.
func Stall(s forecast.Stall) string {
	switch s.Basis {
	case forecast.BasisStalls:
		return ofLast(s.Forks, "that of the last fork", "the slowest of the last %d forks") + ", scaled with the size of the server"
	case forecast.BasisReported:
		return "what the server said of its last fork, which nobody followed"
	case forecast.BasisCurves, forecast.BasisPeaks:
	}
	return string(s.Basis)
}

// ofLast returns one for a single fork, else many with the number of forks.
func ofLast(forks int, one, many string) string {
	if forks == 1 {
		return one
	}
	return fmt.Sprintf(many, forks)
}

// Sentence returns clause with a full stop at its end, unless it ends in a question.
func Sentence(clause string) string {
	if strings.HasSuffix(clause, "?") {
		return clause
	}
	return strings.TrimSuffix(clause, ".") + "."
}
