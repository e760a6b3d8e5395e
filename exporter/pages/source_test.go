package pages_test

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/exporter/pages"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/forktest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// fake is a history that stands still.
type fake struct {
	snap  history.Snapshot
	forks []fork.Record
}

func (f fake) Snapshot() history.Snapshot { return f.snap }
func (f fake) Forks() []fork.Record       { return f.forks }

func (f fake) Fork(id string) (fork.Record, bool) {
	for _, x := range f.forks {
		if x.ID == id {
			return x, true
		}
	}
	return fork.Record{}, false
}

// quiet is the full history without its running fork.
func quiet() fake {
	f := full()
	f.forks = f.forks[1:]
	f.snap.Servers[0].Children = nil
	return f
}

// full has a server that is well and forks, one without a process, and one that is down.
func full() fake {
	running, saved := forktest.Running(now), forktest.Saved(now)
	return fake{
		forks: forktest.All(now),
		snap: history.Snapshot{
			Host: limits.Host{OvercommitMode: opt.Of(0), HugePages: opt.Of("madvise"), Kernel: opt.Of(limits.Kernel{Major: 6, Minor: 18})},
			Servers: []track.State{
				{
					Name: "cache-a:6379", Addr: "10.0.3.17:6379", Up: true, InfoAt: now,
					Info:      &redisinfo.Info{Software: "redis", Version: "7.0.15", Mode: "standalone", Role: "master"},
					Available: map[fork.Source]bool{fork.SourceProcess: true, fork.SourceChildSmaps: true, fork.SourceCgroup: true},
					PID:       opt.Of(700), ResidentBytes: opt.Of(uint64(1_610_000_000)), PageTableBytes: opt.Of(uint64(3_190_000)),
					AnonymousBytes: opt.Of(uint64(1_600_000_000)), WriteRate: opt.Of(12_000.), GrowthRate: opt.Of(0.),
					Limits: limits.Limits{
						At: now, CgroupSeen: true, Returned: 936_190_000, ReturnedTasks: 1,
						Cgroup:  opt.Of(limits.Limit{Path: "/system.slice/redis.service", Max: 3_000_000_000, Left: 450_000_000}),
						Host:    opt.Of(uint64(9_000_000_000)),
						Mapping: opt.Of(uint64(25_000_000_000)), Committed: opt.Of(limits.Committed{Bytes: 2_000_000_000, Largest: 2_000_000_000, AtMost: true}),
						Tasks: opt.Of(limits.TaskLimit{Name: "pids.max", Left: 90}),
					},
					Recent:   []fork.Record{saved},
					Children: []track.Child{{Kind: fork.KindRDB, Start: running.Start, Sample: opt.Of(fork.Sample{PrivateDirty: 933_000_000})}},
					Last: map[fork.Kind]track.LastFork{
						fork.KindRDB: {Start: saved.Start, Outcome: saved.Outcome, StallSeconds: saved.StallSeconds, PeakBytes: saved.PeakBytes, CopyStallSeconds: saved.CopyStallSeconds},
						fork.KindAOF: {Start: now.Add(-30 * 24 * time.Hour), Outcome: fork.OutcomeOOM},
					},
					Totals: track.Totals{
						Children: map[fork.Kind]uint64{fork.KindRDB: 41, fork.KindAOF: 3},
						Failed:   map[fork.Kind]map[fork.Reason]uint64{fork.KindAOF: {fork.ReasonOOM: 2}},
					},
				},
				{
					Name: "queue", Addr: "unix:/run/redis.sock", Up: true, InfoAt: now,
					Info:           &redisinfo.Info{Software: "valkey", Version: "8.1.1", UsedMemoryRSS: opt.Of(uint64(412_000_000))},
					ProcessProblem: "No process could be proved to be this server.",
				},
				{
					Name: "sessions:6380", Addr: "sessions:6380", Problem: "No answer within 1 s.", InfoAt: now.Add(-95 * time.Second),
					Totals: track.Totals{UnobservedChild: 7, ReadErrors: map[track.ReadError]uint64{{Source: fork.SourceInfo, Reason: "timeout"}: 19, {Source: fork.SourceInfo, Reason: "auth"}: 0}},
				},
			},
		},
	}
}

// The real history must fit.
var _ pages.Source = (*history.Store)(nil)
