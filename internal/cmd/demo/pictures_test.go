package main

import (
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func TestLongestSave(t *testing.T) {
	record := func(id string, kind fork.Kind, outcome fork.Outcome, seconds float64, tail bool) fork.Record {
		f := fork.Record{ID: id, Kind: kind, Outcome: outcome, LifetimeSeconds: opt.Of(seconds)}
		if tail {
			f.Tail = opt.Of(fork.Tail{})
		}
		return f
	}
	forks := []fork.Record{
		record("its tail goes on", fork.KindRDB, fork.OutcomeOK, 9, false),
		record("short", fork.KindRDB, fork.OutcomeOK, 1.1, true),
		record("long", fork.KindRDB, fork.OutcomeOK, 1.9, true),
		record("killed", fork.KindRDB, fork.OutcomeKilled, 5, true),
		record("a rewrite", fork.KindAOF, fork.OutcomeOK, 8, true),
	}
	if f, err := longestSave(forks); err != nil || f.ID != "long" {
		t.Errorf("%q, %v", f.ID, err)
	}
	if f, err := longestSave(forks[:1]); err == nil {
		t.Errorf("%q is no save with a tail", f.ID)
	}
}
