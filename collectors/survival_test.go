package collectors

import (
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func TestSurvivalBeforeTheFirstFork(t *testing.T) {
	s := idle("s")
	seriesOf(t, s).want(t, map[string]string{
		`next_memory_expected_bytes`:        "", // no basis
		`next_stall_seconds`:                "",
		`next_memory_worst_case_bytes`:      "2.143289344e+09", // 2 GiB − 8 MiB, and 4 MiB of page tables
		`headroom_bytes{limit="cgroup"}`:    "9.437184e+08",
		`headroom_bytes{limit="host"}`:      "6.442450944e+09",
		`headroom_bytes{limit="commit"}`:    "",
		`headroom_commit_bytes`:             "1.073741824e+09",
		`headroom_throttle_bytes`:           "8.388608e+08",
		`next_refused{reason="overcommit"}`: "0",
		`next_refused{reason="tasks"}`:      "0",
		`next_server_killed`:                "0",
	})
	s.Info.RDBLastCOWBytes = opt.Of[uint64](100 * mib) // of a save before the exporter came
	seriesOf(t, s).want(t, map[string]string{`next_memory_expected_bytes`: "1.09051904e+08"})
	s.Up = false
	seriesOf(t, s).want(t, map[string]string{
		`next_memory_expected_bytes`:     "",
		`headroom_bytes{limit="cgroup"}`: "9.437184e+08",
	})
}

// 1,000 writes a second for 7.5 s are 7,500: between 300 MiB at 3,000 and 510 MiB at 9,000.
func TestForecastOfMemory(t *testing.T) {
	s := busy("s", fork.KindRDB)
	seriesOf(t, s).want(t, map[string]string{
		`next_memory_expected_bytes`:          "5.46281881e+08", // 457.5 MiB, 13 % more, and 4 MiB of page tables
		`next_stall_seconds`:                  "0.0125",
		`last_extra_memory_bytes{kind="rdb"}`: "5.3477376e+08",
		`last_extra_memory_bytes{kind="aof"}`: "",
	})
}

// A running child's memory comes back before the next fork: a healthy save does
// not eat its own headroom.
func TestHeadroomCountsTheChildAsReturned(t *testing.T) {
	s := idle("s")
	s.Limits.Returned, s.Limits.ReturnedTasks = 100*mib, 1
	s.Limits.Tasks = opt.Of(limits.TaskLimit{Name: "pids.max", Left: 0})
	seriesOf(t, s).want(t, map[string]string{
		`headroom_bytes{limit="cgroup"}`: "1.048576e+09",
		`headroom_bytes{limit="host"}`:   "6.547308544e+09",
		`headroom_commit_bytes`:          "1.11149056e+09",
		`headroom_throttle_bytes`:        "9.437184e+08",
		`next_refused{reason="tasks"}`:   "0",
	})
}

func TestRefusedAndKilled(t *testing.T) {
	s := idle("s")
	s.Limits.Committed = opt.Of(limits.Committed{Bytes: 2 * gib, Largest: 2 * gib})
	s.Limits.Tasks = opt.Of(limits.TaskLimit{Name: "kernel.pid_max", Left: 0})
	s.Limits.Cgroup = opt.Of(limits.Limit{Max: 3 * gib, Left: 3 * mib})
	seriesOf(t, s).want(t, map[string]string{
		`next_refused{reason="overcommit"}`: "1",
		`next_refused{reason="tasks"}`:      "1",
		`next_server_killed`:                "1",
	})
	// An upper bound is enough to say no, not to say yes.
	s.Limits.Committed = opt.Of(limits.Committed{Bytes: 2 * gib, Largest: 2 * gib, AtMost: true})
	seriesOf(t, s).want(t, map[string]string{`next_refused{reason="overcommit"}`: ""})
}

func TestNoLimitsToBeSeen(t *testing.T) {
	s := idle("s")
	s.Limits = limits.Limits{}
	got := seriesOf(t, s)
	got.none(t, "headroom_bytes", "headroom_commit_bytes", "headroom_throttle_bytes", "next_refused", "next_server_killed")
	got.want(t, map[string]string{
		`limit_known{limit="cgroup"}`: "0", `limit_known{limit="host"}`: "0",
		`limit_known{limit="commit"}`: "0", `limit_known{limit="tasks"}`: "0",
	})
	s.Limits = limits.Limits{At: now, CgroupSeen: true, CommitSeen: true} // and no limit
	got = seriesOf(t, s)
	got.none(t, "headroom_bytes", "headroom_commit_bytes", "headroom_throttle_bytes")
	got.want(t, map[string]string{
		`next_server_killed`:          "0",
		`limit_known{limit="cgroup"}`: "1", `limit_known{limit="host"}`: "0",
		`limit_known{limit="commit"}`: "1", `limit_known{limit="tasks"}`: "0",
	})
	// Of a server on another machine nobody asks.
	seriesOf(t, noProcess("s")).none(t, "limit_known")
}
