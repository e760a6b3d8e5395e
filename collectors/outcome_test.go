package collectors

import (
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

func TestOutcomesExistFromTheStart(t *testing.T) {
	got := seriesOf(t, idle("s"))
	for _, k := range []string{"rdb", "aof", "replication"} {
		want := map[string]string{
			`children_total{kind="` + k + `"}`:           "0",
			`children_cancelled_total{kind="` + k + `"}`: "0",
		}
		for _, r := range []string{"exit", "signal", "oom", "server_died"} {
			want[`children_failed_total{kind="`+k+`",reason="`+r+`"}`] = "0"
		}
		got.want(t, want)
	}
	got.want(t, map[string]string{
		`children_total{kind="module"}`:     "",
		`refused_total{kind="rdb"}`:         "0",
		`refused_total{kind="aof"}`:         "0",
		`refused_total{kind="replication"}`: "",
		`unobserved_children_total`:         "0",
		`unobserved_stalls_total`:           "0",
	})
}

func TestOutcomes(t *testing.T) {
	s := down("s") // our own counters stay
	s.Totals.Children[fork.KindAOF] = 9
	s.Totals.Cancelled[fork.KindAOF] = 4
	s.Totals.Failed[fork.KindAOF] = map[fork.Reason]uint64{fork.ReasonOOM: 3}
	seriesOf(t, s).want(t, map[string]string{
		`children_total{kind="aof"}`:                                 "9",
		`children_cancelled_total{kind="aof"}`:                       "4",
		`children_failed_total{kind="aof",reason="oom"}`:             "3",
		`children_failed_total{kind="aof",reason="signal"}`:          "0",
		`children_failed_total{kind="module",reason="exit"}`:         "3",
		`refused_total{kind="rdb"}`:                                  "1",
		`unobserved_children_total`:                                  "2",
		`unobserved_stalls_total`:                                    "1",
		`children_failed_total{kind="slot_migration",reason="exit"}`: "",
	})
}
