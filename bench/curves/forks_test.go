package main

import (
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

func TestFaults(t *testing.T) {
	good := func() counted {
		return counted{
			batch: batch{forks: 3}, server: 3, accounts: accounts{children: 3, durations: 2, lost: 1},
			records: map[string]fork.Record{"1-7": {ChildPID: 7}, "2-8": {ChildPID: 8}, "3-9": {ChildPID: 9}},
		}
	}
	for name, c := range map[string]struct {
		spoil func(*counted)
		want  string // "": nothing is wrong
	}{
		"all is well":     {func(*counted) {}, ""},
		"a fork too many": {func(c *counted) { c.server = 4 }, "forked 4 times"},
		"one was not seen": {func(c *counted) {
			c.accounts.children, c.accounts.unseen = 2, 1
			delete(c.records, "1-7")
		}, "1 were missed"},
		"a short one was not seen": {func(c *counted) {
			c.short, c.accounts.children, c.accounts.unseen = true, 2, 1
			delete(c.records, "1-7")
		}, ""},
		"one is in no account":  {func(c *counted) { c.short, c.accounts.children = true, 2 }, "children and unobserved children are 2"},
		"a duration is in none": {func(c *counted) { c.accounts.lost = 0 }, "durations and unobserved durations are 2"},
		"a record is not there": {func(c *counted) { delete(c.records, "1-7") }, "2 records of 3 children"},
		"a child has two records": {func(c *counted) {
			c.records["3-8"] = fork.Record{ChildPID: 8}
			delete(c.records, "1-7")
		}, "1 children have two records"},
	} {
		t.Run(name, func(t *testing.T) {
			x := good()
			c.spoil(&x)
			got := x.faults()
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("faults %q, want %q", got, c.want)
			}
		})
	}
}
