package collectors

import (
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

func TestLast(t *testing.T) {
	s := busy("s", fork.KindRDB, fork.KindModule)
	s.Up = false // the group is about the past, and stays
	s.Last[fork.KindModule] = track.LastFork{Start: now, Outcome: fork.OutcomeOK}
	seriesOf(t, s).want(t, map[string]string{
		`last_start_timestamp_seconds{kind="rdb"}`:     "1.79003240025e+09",
		`last_stall_seconds{kind="rdb"}`:               "0.0125",
		`last_lifetime_seconds{kind="rdb"}`:            "7.5",
		`last_resident_bytes{kind="rdb"}`:              "2.147483648e+09",
		`last_private_dirty_peak_bytes{kind="rdb"}`:    "5.24288e+08",
		`last_copied_bytes{kind="rdb"}`:                "4.718592e+08",
		`last_copy_stall_seconds{kind="rdb"}`:          "0.375",
		`last_tail_seconds{kind="rdb"}`:                "32.5",
		`last_success{kind="rdb"}`:                     "1",
		`last_start_timestamp_seconds{kind="aof"}`:     "",
		`last_success{kind="aof"}`:                     "",
		`last_start_timestamp_seconds{kind="module"}`:  "1.79003600025e+09",
		`last_stall_seconds{kind="module"}`:            "", // not known for that one
		`last_private_dirty_peak_bytes{kind="module"}`: "",
		`last_copied_bytes{kind="module"}`:             "",
		`last_copy_stall_seconds{kind="module"}`:       "",
		`last_tail_seconds{kind="module"}`:             "", // it goes on
		`last_success{kind="module"}`:                  "1",
	})
}

func TestLastSuccess(t *testing.T) {
	for outcome, want := range map[fork.Outcome]string{
		fork.OutcomeOK:         "1",
		fork.OutcomeFailed:     "0",
		fork.OutcomeKilled:     "0",
		fork.OutcomeOOM:        "0",
		fork.OutcomeServerDied: "0",
		fork.OutcomeCancelled:  "",
		fork.OutcomeUnknown:    "",
		"":                     "",
	} {
		s := idle("s")
		s.Last[fork.KindRDB] = track.LastFork{Start: now, Outcome: outcome}
		seriesOf(t, s).want(t, map[string]string{
			`last_success{kind="rdb"}`:                 want,
			`last_start_timestamp_seconds{kind="rdb"}`: "1.79003600025e+09",
		})
	}
}
