package check

import (
	"strconv"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// exitInfoKernel is the Linux that tells everybody how a process ended
// (PIDFD_GET_INFO with its exit code).
var exitInfoKernel = limits.Kernel{Major: 6, Minor: 15}

// found reports whether the server's process is known.
func (f *facts) found() Finding {
	if pid, ok := f.state.PID.Get(); ok {
		return f.ok(process, "The server is process "+strconv.Itoa(pid)+" of this machine, which was proved.")
	}
	if f.twin != "" {
		return f.warn(process, "This is the server "+strconv.Quote(f.twin)+" under another name; what its process tells is said of that one.", words.LeaveOneOut)
	}
	return f.warn(process, "The server's process is not known: "+words.Sentence(f.state.ProcessProblem), "run this on the server's machine and in its PID namespace, as the server's user and group")
}

// readable reports whether the memory of children can be read.
func (f *facts) readable() Finding {
	available := f.state.Available
	switch {
	case available[fork.SourceChildSmaps] && !available[fork.SourcePagemap] && !available[fork.SourceCgroup]:
		return finding(childMemory, OK, "The memory of the server's children can be read, but not page by page: "+words.Gaps+".", words.ReadPages(words.ThisCommand))
	case available[fork.SourceChildSmaps]:
		return f.ok(childMemory, "The memory of the server's children can be read.")
	case !f.state.PID.Present():
		return f.unread(childMemory, "The memory of the server's children", words.ReadSmaps(words.ThisCommand))
	case available[fork.SourceCgroup]:
		return f.warn(childMemory, "The memory of the server's children can't be read: "+words.CgroupCurve+".", words.ReadSmaps(words.ThisCommand))
	}
	return f.warn(childMemory, "The memory of the server's children can't be read: "+words.NoCurve+".", words.ReadSmaps(words.ThisCommand))
}

// outcome reports whether the kernel tells how a child ended.
func (f *facts) outcome() Finding {
	kernel, known := f.host.Kernel.Get()
	switch {
	case !f.state.PID.Present():
		return f.unread(outcomes, "How children end", words.ReadSmaps(words.ThisCommand))
	case f.state.Available[fork.SourceChildSmaps]:
		return f.ok(outcomes, "The kernel tells this user how a child ended.")
	case known && !kernel.Before(exitInfoKernel.Major, exitInfoKernel.Minor):
		return f.ok(outcomes, "The kernel tells everybody how a process ended (Linux 6.15 and later).")
	}
	return f.warn(outcomes, "The kernel does not tell this user how a child ended: outcomes come from INFO, which leaves some unknown.", words.ReadSmaps(words.ThisCommand))
}

// ownCgroup reports whether the server has a memory cgroup to itself.
func (f *facts) ownCgroup() Finding {
	switch {
	case f.state.Available[fork.SourceCgroup]:
		return f.ok(memoryCgroup, "The server has a memory cgroup to itself, which tells its children's growth exactly and for free.")
	case !f.state.PID.Present():
		return f.unread(memoryCgroup, "The server's memory cgroup", mendCgroup)
	}
	return finding(memoryCgroup, OK, "The server shares its memory cgroup, or it is not visible here: "+words.CountCurve+".", "a systemd unit or container of its own for the server would make the curve exact")
}

// accounted reports whether the time that copies take is known.
func (f *facts) accounted() Finding {
	mend := words.ReadDelays(words.ThisCommand)
	on, known := f.delayAccounting.Get()
	switch {
	case f.state.Available[fork.SourceTaskstats]:
		return f.ok(delayAccounting, "The kernel tells how long the server's copies take.")
	case known && !on:
		return finding(delayAccounting, OK, "It is off (kernel.task_delayacct is 0): "+words.NoCopyTime+", all else is.", mend)
	case !f.state.PID.Present():
		return f.unread(delayAccounting, "The kernel's accounting of the server", words.ReadSmaps(words.ThisCommand))
	}
	return finding(delayAccounting, OK, "The kernel does not tell it of this server: it was started before the accounting was on, or this user has no CAP_NET_ADMIN.", mend)
}

// answered reports whether the server tells its settings.
func (f *facts) answered() Finding {
	switch {
	case f.settings.refused:
		return finding(serverSettings, Unknown, "User "+f.user+" may not call CONFIG GET, or it was renamed.", f.mendACL())
	case f.settings.failed:
		return finding(serverSettings, Unknown, "The server has stopped answering CONFIG GET.", "run check again")
	}
	return f.ok(serverSettings, "The server tells its settings.")
}

// missing returns how bad it is that there is no forecast: not at all where even the
// worst case fits.
func missing(s *forecast.Survival) Level {
	if s.Verdict == forecast.Yes {
		return OK
	}
	return Unknown
}

// remembered reports which past forks the forecast is made from.
func (f *facts) remembered(s *forecast.Survival) Finding {
	memory, has := s.Fork.Memory.Get()
	switch n := len(f.state.Recent); {
	case f.noPast != nil:
		return finding(pastForksKnown, Unknown, "The exporter could not be asked: "+words.Sentence(f.noPast.Error()), "give the URL of its start page, as in --exporter=http://localhost:10121")
	case n > 0 && !has:
		return finding(pastForksKnown, missing(s), "Forks of this server are recorded, but nothing to forecast the memory of the next one by: "+words.NoBasis(s.Fork.NoMemory)+".", "see "+childMemory)
	case n > 0 && memory.Basis == forecast.BasisReported:
		return finding(pastForksKnown, OK, "The recorded forks have no curve: the forecast goes by what the server said of its last one.", "see "+childMemory)
	case n == 1:
		return f.ok(pastForksKnown, "The forecast is made of 1 recorded fork.")
	case n > 1:
		return f.ok(pastForksKnown, "The forecast is made of "+strconv.Itoa(n)+" recorded forks.")
	}
	const mend = "--exporter=URL of an exporter that has been watching it"
	switch {
	case has:
		return finding(pastForksKnown, OK, "No fork of this server is recorded: the forecast goes by what the server said of its last one.", mend)
	case s.Verdict == forecast.Yes:
		return finding(pastForksKnown, OK, "No fork of this server is recorded; even the worst case fits.", mend)
	}
	return finding(pastForksKnown, Unknown, "No fork of this server is recorded, so there is nothing to forecast the next one by.", mend)
}
