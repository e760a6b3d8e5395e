package collectors

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

func survivalFamily() family {
	memory := &Metric{
		Name:   "redis_fork_next_memory_expected_bytes",
		Type:   Gauge,
		Help:   "Bytes of memory that the next fork is expected to need.",
		Note:   "That is what server and child together will hold more than the server now, and the child's page tables. It is taken from the past fork nearest in writes: what that needed for as many writes as are expected at the present rate, and 13 % more; of the kind of fork that needs most. A load that has not begun is not in it. docs/forecast.md says how good it was.",
		Needs:  "process, a fork whose memory could be read; without one INFO (rdb_last_cow_size or aof_last_cow_size)",
		Absent: "there is no basis yet: no fork was seen, or the memory of none could be read, and the server reports none; or the forks that were seen had hardly any writes",
	}
	worst := &Metric{
		Name:   "redis_fork_next_memory_worst_case_bytes",
		Type:   Gauge,
		Help:   "Bytes of memory that the next fork would need if every page of the server were written to while the child lives.",
		Note:   "That is the server's anonymous memory once more, the child's page tables, and what the server grows by at its present pace.",
		Needs:  "process",
		Absent: "the read failed",
	}
	stall := &Metric{
		Name:   "redis_fork_next_stall_seconds",
		Type:   Gauge,
		Help:   "Seconds that the next fork(2) is expected to stop the server.",
		Note:   "It is the stall of the slowest of the last three forks of any kind, scaled with the size of the server, huge pages at a twentieth. Page tables say nothing of it where there are huge pages.",
		Needs:  "process, INFO",
		Absent: "no duration is known yet",
	}
	headroom := &Metric{
		Name:   "redis_fork_headroom_bytes",
		Type:   Gauge,
		Labels: []string{"limit"},
		Help:   "Bytes of memory that the limit leaves the next fork.",
		Note:   "cgroup: the tightest memory limit of the server's cgroup and those above it that are visible, inactive file cache counted as free. host: MemAvailable, without swap. The private memory and page tables of a running child count as returned. The smaller of the two is what the fork has; do not add them up.",
		Needs:  "process, and for cgroup a visible cgroup",
		Absent: "there is no such limit, or it can't be read: redis_fork_limit_known tells which",
	}
	commit := &Metric{
		Name:   "redis_fork_headroom_commit_bytes",
		Type:   Gauge,
		Help:   "Bytes that the commit limit leaves the next fork in overcommit mode 2.",
		Note:   "What the kernel holds back is taken off. It says whether the kernel refuses a fork: a fork commits other memory than it copies, so do not set redis_fork_next_memory_expected_bytes against it.",
		Needs:  "process",
		Absent: "another overcommit mode, or it can't be read",
	}
	throttle := &Metric{
		Name:   "redis_fork_headroom_throttle_bytes",
		Type:   Gauge,
		Help:   "Bytes of memory that memory.high leaves the next fork, beyond which the kernel slows the server down.",
		Note:   "It is about the tightest memory.high of the server's cgroup and those above it (cgroup v2). The server may come to a standstill, and nobody is killed. The private memory and page tables of a running child count as returned.",
		Needs:  "process, and a visible cgroup",
		Absent: "no cgroup sets memory.high, or it can't be read",
	}
	known := &Metric{
		Name:   "redis_fork_limit_known",
		Type:   Gauge,
		Labels: []string{"limit"},
		Help:   "1 if the limit could be read, 0 if not.",
		Note:   "It is 1 also where it turned out that there is no limit. At 0, nobody can say whether the next fork has room below it. cgroup: memory.max and memory.high. host: MemAvailable. commit: what vm.overcommit_memory lets a fork commit. tasks: the limits on processes and threads.",
		Needs:  "process",
	}
	refused := &Metric{
		Name:   "redis_fork_next_refused",
		Type:   Gauge,
		Labels: []string{"reason"},
		Help:   "1 if the kernel would refuse a fork now, 0 if not.",
		Note:   "overcommit: by vm.overcommit_memory, the rule of the running kernel's version and what it accounts of the server (servers with jemalloc from 5 that started in mode 0 or 1 are hardly accounted at all). tasks: by pids.max, RLIMIT_NPROC, kernel.threads-max or kernel.pid_max. A full memory cgroup does not refuse: see redis_fork_next_server_killed.",
		Needs:  "process; to be sure of a refusal by overcommit the right to read the server's smaps",
		Absent: "it can't be judged",
	}
	killed := &Metric{
		Name:   "redis_fork_next_server_killed",
		Type:   Gauge,
		Help:   "1 if the kernel would kill the server in fork(2) now, 0 if not.",
		Note:   "The server's memory cgroup has no room for the page tables that fork(2) makes then, which the kernel does not refuse. What the child needs later is not in this: compare redis_fork_next_memory_expected_bytes with redis_fork_headroom_bytes.",
		Needs:  "process, and a visible cgroup",
		Absent: "the cgroup can't be read",
	}
	return family{
		group:   "Will it survive the next fork?",
		metrics: []*Metric{memory, worst, stall, headroom, commit, throttle, known, refused, killed},
		perServer: func(v view, out sink) {
			next := forecast.Next(v.State)
			if m, ok := next.Memory.Get(); ok {
				out.value(memory, float64(m.Bytes))
			}
			present(out, worst, next.WorstCase)
			if s, ok := next.Stall.Get(); ok {
				out.value(stall, s.Seconds)
			}
			for _, h := range forecast.Headrooms(v.State) {
				if h.Limit == forecast.LimitCommit {
					out.value(commit, float64(h.Bytes))
				} else {
					out.value(headroom, float64(h.Bytes), string(h.Limit))
				}
			}
			present(out, throttle, forecast.Throttle(v.State))
			if v.Available[fork.SourceProcess] {
				l := &v.Limits
				out.flag(known, l.CgroupSeen, string(forecast.LimitCgroup))
				out.flag(known, l.Host.Present(), string(forecast.LimitHost))
				out.flag(known, l.CommitSeen, string(forecast.LimitCommit))
				out.flag(known, l.Tasks.Present(), string(forecast.ReasonTasks))
			}
			for _, r := range forecast.Refusals(v.State, v.host) {
				out.flag(refused, r.Refused, string(r.Reason))
			}
			if k, ok := forecast.KilledInFork(v.State).Get(); ok {
				out.flag(killed, k)
			}
		},
	}
}
