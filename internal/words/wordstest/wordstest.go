// Package wordstest makes servers about which everything is said that
// internal/words has to say of the next fork, for the tests that hold the page, the
// commands and the words against each other. Nothing but tests may import it.
package wordstest

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// Case is a server on a host.
type Case struct {
	Name  string
	State track.State
	Host  limits.Host
}

// Survival returns the answer for the next fork of the case's server.
func (c *Case) Survival() forecast.Survival {
	return forecast.Survive(&c.State, &c.Host, forecast.Next(&c.State))
}

// Sentences returns what every reader has to be told of s: the verdict with what it rests
// on, and what each figure of the forecast is made from or why there is none.
func Sentences(s *forecast.Survival) []string {
	said := []string{words.Verdict(s.Verdict) + ": " + words.Why(s.Why)}
	if m, ok := s.Fork.Memory.Get(); ok {
		said = append(said, words.Memory(m))
	} else {
		said = append(said, words.NoBasis(s.Fork.NoMemory))
	}
	if stall, ok := s.Fork.Stall.Get(); ok {
		return append(said, words.Stall(stall))
	}
	return append(said, words.NoBasis(s.Fork.NoStall))
}

const (
	mb = 1_000_000
	gb = 1_000_000_000
)

// Cases returns servers that together have every verdict, every ground, every basis,
// every reason for the want of one, and every refusal.
func Cases() []Case {
	return []Case{
		with("room for everything", func(*Case) {}),
		with("room for what is expected", func(c *Case) { c.cgroup(500 * mb) }),
		with("too little in the cgroup", func(c *Case) { c.cgroup(50 * mb) }),
		with("too little on the host", func(c *Case) { c.State.Limits.Host = opt.Of(uint64(50 * mb)) }),
		with("no room for page tables", func(c *Case) { c.cgroup(mb) }),
		with("the cgroup is not visible", func(c *Case) {
			c.State.Limits.Cgroup, c.State.Limits.CgroupSeen = opt.Val[limits.Limit]{}, false
		}),
		with("no limit can be read", func(c *Case) { c.State.Limits = limits.Limits{} }),

		with("many forks", func(c *Case) { c.State.Recent = append(c.State.Recent, saved(), saved()) }),
		with("one fork, and no rate of writes", func(c *Case) { c.State.WriteRate = opt.Val[float64]{} }),
		with("many forks, and no rate of writes", func(c *Case) {
			c.State.Recent, c.State.WriteRate = append(c.State.Recent, saved()), opt.Val[float64]{}
		}),
		with("what the server says", func(c *Case) {
			c.State.Recent = nil
			c.State.Info.RDBLastCOWBytes, c.State.Info.LatestFork = opt.Of(uint64(70*mb)), opt.Of(30*time.Millisecond)
		}),
		with("no fork", func(c *Case) { c.State.Recent = nil; c.cgroup(500 * mb) }),
		with("forks of unknown memory and duration", func(c *Case) {
			f := &c.State.Recent[0]
			f.ExtraCurve, f.ExtraPeakBytes, f.StallSeconds = nil, opt.Val[uint64]{}, opt.Val[float64]{}
			c.cgroup(500 * mb)
		}),
		with("forks with hardly any writes", func(c *Case) {
			c.State.Recent[0].ExtraCurve = []fork.ExtraPoint{{Seconds: 9, Changes: 3, Bytes: mb}}
			c.cgroup(500 * mb)
		}),

		with("no process left", func(c *Case) { c.State.Limits.Tasks = opt.Of(limits.TaskLimit{Name: "pids.max"}) }),
		with("overcommit mode 1", func(c *Case) { c.Host.OvercommitMode = opt.Of(1) }),
		with("overcommit mode 0, refused", func(c *Case) { c.State.Limits.Mapping = opt.Of(uint64(mb)) }),
		with("overcommit mode 0, old kernel", func(c *Case) { c.old() }),
		with("overcommit mode 0, old kernel, refused", func(c *Case) {
			c.old()
			c.State.Limits.Mapping = opt.Of(uint64(mb))
		}),
		with("overcommit mode 2", func(c *Case) { c.strict(9 * gb) }),
		with("overcommit mode 2, refused", func(c *Case) { c.strict(mb) }),
	}
}

// with returns the case of a server of 1 GB, with one recorded fork, 400 writes a
// second and room for everything, after a change.
func with(name string, change func(*Case)) Case {
	c := Case{
		Name: name,
		State: track.State{
			Name: "s", Addr: "127.0.0.1:6379", Asked: true, Up: true, Info: &redisinfo.Info{Software: "redis", Version: "7.0.15"},
			PID: opt.Of(42), ResidentBytes: opt.Of(uint64(gb)), AnonymousBytes: opt.Of(uint64(gb)), PageTableBytes: opt.Of(uint64(2 * mb)),
			WriteRate: opt.Of(400.), Recent: []fork.Record{saved()},
			Limits: limits.Limits{
				At: time.Unix(1_790_000_000, 0), CgroupSeen: true, Host: opt.Of(uint64(8 * gb)),
				Mapping: opt.Of(uint64(24 * gb)), Committed: opt.Of(limits.Committed{Bytes: 2 * gb, Largest: 2 * gb}),
				Tasks: opt.Of(limits.TaskLimit{Name: "pids.max", Left: 9}),
			},
		},
		Host: limits.Host{OvercommitMode: opt.Of(0), Kernel: opt.Of(limits.Kernel{Major: 6, Minor: 18})},
	}
	c.cgroup(4 * gb)
	change(&c)
	return c
}

// cgroup sets what the memory cgroup leaves.
func (c *Case) cgroup(left uint64) {
	c.State.Limits.Cgroup = opt.Of(limits.Limit{Path: "/redis", Max: 5 * gb, Left: left})
}

// old sets a kernel of the time before Linux 5.2.
func (c *Case) old() { c.Host.Kernel = opt.Of(limits.Kernel{Major: 4, Minor: 18}) }

// strict sets overcommit mode 2, and what its limit leaves.
func (c *Case) strict(left uint64) {
	c.Host.OvercommitMode = opt.Of(2)
	c.State.Limits.Mapping, c.State.Limits.Commit = opt.Val[uint64]{}, opt.Of(left)
}

// saved returns a save of 10 s with 4,000 writes, for which 100 MB were copied.
func saved() fork.Record {
	return fork.Record{
		Kind: fork.KindRDB, Outcome: fork.OutcomeOK, ResidentBytes: opt.Of(uint64(gb)),
		StallSeconds: opt.Of(.02), LifetimeSeconds: opt.Of(10.),
		ExtraCurve: []fork.ExtraPoint{{Seconds: 10, Changes: 4000, Bytes: 100 * mb}}, ExtraPeakBytes: opt.Of(uint64(100 * mb)),
	}
}
