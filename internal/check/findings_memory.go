package check

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// refused reports whether the kernel would refuse the next fork.
func (f *facts) refused(s *forecast.Survival) Finding {
	var why []string
	for _, r := range s.Refusals {
		if !r.Refused {
			continue
		}
		mend := "sysctl vm.overcommit_memory=1"
		if r.Reason == forecast.ReasonTasks {
			mend = "raise the limit: pids.max of the cgroup (TasksMax=, --pids-limit), RLIMIT_NPROC or kernel.pid_max"
		}
		return f.fail(refusedFork, "The kernel would refuse a fork now: "+words.Sentence(words.Refusal(r)), mend)
	}
	for _, r := range s.Refusals {
		why = append(why, words.Refusal(r))
	}
	if len(why) == 0 {
		return f.unread(refusedFork, "Whether the kernel would refuse a fork", words.ReadSmaps(words.ThisCommand))
	}
	return f.ok(refusedFork, "The kernel would not refuse a fork now, as "+strings.Join(why, "; ")+".")
}

// limited reports what the limit of the memory cgroup leaves. A cgroup at its limit
// refuses no fork: the kernel kills somebody in it.
func (f *facts) limited(s *forecast.Survival) Finding {
	const mend = "raise the cgroup's memory limit (MemoryMax=, --memory, resources.limits.memory), or lower maxmemory"
	limit, has := f.state.Limits.Cgroup.Get()
	if !has && !f.state.Limits.CgroupSeen {
		return f.unread(cgroupLimit, "The limit of the server's memory cgroup", mendCgroup)
	}
	if !has {
		return f.ok(cgroupLimit, "The server's memory cgroup has no limit that can be seen from here.")
	}
	is := fmt.Sprintf("The limit is %s, of which %s are free", words.Bytes(limit.Max), words.Bytes(limit.Left))
	if s.KilledInFork.Or(false) {
		return f.fail(cgroupLimit, is+"; "+words.Sentence(words.Why(forecast.Why{Ground: forecast.Killed})), mend)
	}
	for _, n := range s.Needs {
		if n.Limit != forecast.LimitCgroup {
			continue
		}
		needs, known := n.Needs.Get()
		switch left, _ := n.Left().Get(); {
		case !known:
			return finding(cgroupLimit, Unknown, is+"; what a fork needs is not known yet.", "run check again after a save, or with --exporter=URL")
		case left < 0:
			return f.fail(cgroupLimit, is+", and the next fork is expected to need "+words.Bytes(needs)+": the kernel would kill.", mend)
		case s.SlowedBelow.Present():
			return f.warn(cgroupLimit, is+", but only "+words.Bytes(s.SlowedBelow.Or(0))+" are "+words.BelowHigh+".", "raise memory.high (MemoryHigh=) of the server's cgroup")
		}
	}
	return f.ok(cgroupLimit, is+".")
}

// overcommitted reports what vm.overcommit_memory means on this kernel.
func (f *facts) overcommitted(s *forecast.Survival) Finding {
	mode, ok := f.host.OvercommitMode.Get()
	if !ok {
		return finding(overcommit, Unknown, "vm.overcommit_memory could not be read.", "mount procfs whole: systemd's ProcSubset=pid hides it")
	}
	const mend = "sysctl vm.overcommit_memory=1"
	kernel, known := f.host.Kernel.Get()
	on := "on Linux " + kernel.String()
	r, judged := s.Refusal(forecast.ReasonOvercommit)
	switch {
	case judged && r.Refused && (mode == 2 || known):
		return f.fail(overcommit, words.Sentence(words.Refusal(r)), mend)
	case mode == 1:
		return f.ok(overcommit, words.Sentence(words.Refusal(forecast.Refusal{Reason: forecast.ReasonOvercommit, Rule: forecast.RuleNone})))
	case mode == 2:
		return f.warn(overcommit, "vm.overcommit_memory is 2: a fork is refused once the machine has promised too much memory, and a server that was started in this mode counts whole.", mend+", then restart the server")
	case !known:
		return finding(overcommit, Unknown, "vm.overcommit_memory is 0, and the kernel's version could not be read.", mend)
	case kernel.Before(5, 2):
		return f.warn(overcommit, "vm.overcommit_memory is 0: "+on+" the kernel guesses, and may refuse a fork with plenty of memory left.", mend)
	}
	return f.ok(overcommit, "vm.overcommit_memory is 0: "+on+" that refuses only a single mapping larger than memory and swap together. The server's warning about it is about older kernels.")
}

// scored reports whom the kernel kills when memory runs out while a child lives. Both
// are of one size; by default it is the server.
func (f *facts) scored() Finding {
	const mend = "CONFIG SET oom-score-adj yes, and the same in the configuration; in a systemd unit OOMPolicy=continue too"
	server, ok := f.oomScoreAdj.Get()
	if !ok {
		return f.unread(oomScore, "The server's oom_score_adj", words.ReadSmaps(words.ThisCommand))
	}
	is := fmt.Sprintf("The server's oom_score_adj is %d", server)
	mode, known := f.settings.get("oom-score-adj").Get()
	if !known {
		u := f.unsaid(oomScore, "oom-score-adj")
		u.Why = is + ". " + u.Why
		return u
	}
	child := f.childScore(server, mode)
	_, limited := f.state.Limits.Cgroup.Get()
	switch {
	case child > server:
		return f.ok(oomScore, fmt.Sprintf("%s, and its children's %d: when memory runs out, the kernel kills the child and not the server.", is, child))
	case server == -1000:
		return f.ok(oomScore, is+": the kernel never kills it or its children, but others instead.")
	case limited:
		return f.fail(oomScore, is+" and its children's the same, in a cgroup with a limit: when a fork needs more, the kernel kills the server.", mend)
	}
	return f.warn(oomScore, is+" and its children's the same: when memory runs out during a save, the kernel kills the server.", mend)
}

// childScore returns the oom_score_adj that a child will have, by that of the server
// and the mode of the setting. The setting's values are for a master, a replica and a
// child; they count from what the server was started with, but for mode absolute.
func (f *facts) childScore(server int, mode string) int {
	values := strings.Fields(f.settings.get("oom-score-adj-values").Or(""))
	if mode == "no" || len(values) != 3 {
		return server
	}
	own := values[0]
	if f.info().Role == "slave" {
		own = values[1]
	}
	mine, err1 := strconv.Atoi(own)
	child, err2 := strconv.Atoi(values[2])
	switch {
	case err1 != nil || err2 != nil:
		return server
	case mode == "absolute":
		return child
	}
	return min(max(server-mine+child, -1000), 1000)
}

// grouped reports whether the kernel kills a whole cgroup at once.
func (f *facts) grouped() Finding {
	group, ok := f.oomGroup.Get()
	switch {
	case !ok:
		return f.unread(oomGroup, "memory.oom.group of the server's cgroup", mendCgroup)
	case group != "":
		return f.warn(oomGroup, "memory.oom.group is 1 in "+group+": if the kernel kills the child, it kills the server with it.", "in a systemd unit OOMPolicy=continue; in Kubernetes singleProcessOOMKill: true in the kubelet's configuration")
	}
	return f.ok(oomGroup, "The kernel kills processes of the server's cgroup one at a time (memory.oom.group is 0, or does not exist).")
}

// paged reports what transparent huge pages mean on this kernel.
func (f *facts) paged() Finding {
	mode, ok := f.host.HugePages.Get()
	if !ok {
		return finding(hugePages, Unknown, "The mode of transparent huge pages could not be read.", "give the mount point of sysfs with --path.sysfs")
	}
	is := "Transparent huge pages are set to " + mode
	off := !f.hugePagesAllowed.Or(true)
	kernel, known := f.host.Kernel.Get()
	switch {
	case mode != "always":
		return f.ok(hugePages, is+": the server has none unless it asks for them.")
	case off:
		return f.ok(hugePages, is+", but the server has switched them off for itself.")
	case !known:
		return finding(hugePages, Unknown, is+", and the kernel's version could not be read.", "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled")
	case kernel.Before(5, 8):
		return f.fail(hugePages, is+": on Linux "+kernel.String()+" one write to a huge page copies all of its 2 MiB while a child lives.", "CONFIG SET disable-thp yes and restart the server, or echo madvise >/sys/kernel/mm/transparent_hugepage/enabled")
	}
	return f.warn(hugePages, is+": on Linux "+kernel.String()+" a write copies 4 kB all the same, but splits the huge page first; forks are quick until the first save under writes has split them.", "disable-thp yes in the configuration and restart the server, if even stalls are wanted")
}

// withoutTHP reports the server's own setting, by which it switches huge pages off for
// itself when it starts, if they are set to always then.
func (f *facts) withoutTHP() Finding {
	const mend = "disable-thp yes in the configuration, and restart the server"
	setting, known := yes(f.settings.get("disable-thp")).Get()
	allowed, seen := f.hugePagesAllowed.Get()
	mode, set := f.host.HugePages.Get()
	switch {
	case seen && !allowed:
		return f.ok(disableTHP, "The server has switched huge pages off for itself.")
	case set && mode != "always":
		return f.ok(disableTHP, "It makes no difference now: huge pages are set to "+mode+".")
	case known && setting && seen:
		return f.warn(disableTHP, "disable-thp is yes, but huge pages were not set to always when the server started, so it has not switched them off.", "restart the server")
	case known && setting:
		return f.ok(disableTHP, "disable-thp is yes: the server has switched huge pages off for itself.")
	case known:
		return f.warn(disableTHP, "disable-thp is no: the server has huge pages.", mend)
	case f.settings.refused || f.settings.failed:
		return f.unsaid(disableTHP, "disable-thp")
	}
	return f.warn(disableTHP, "The server is too old to switch huge pages off for itself (Redis 6.2 and later can).", "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled, and restart the server")
}
