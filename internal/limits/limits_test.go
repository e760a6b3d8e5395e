package limits

import (
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func TestPasses(t *testing.T) {
	strict := Limits{Commit: opt.Of(uint64(100))}
	heuristic := Limits{Mapping: opt.Of(uint64(100))}
	for _, test := range []struct {
		limits Limits
		c      Committed
		want   bool
	}{
		{Limits{}, Committed{Bytes: 1 << 60, Largest: 1 << 60}, true}, // mode 1
		{strict, Committed{Bytes: 99}, true},
		{strict, Committed{Bytes: 100}, false},
		{Limits{Commit: opt.Of(uint64(0)), ReturnedTasks: 1}, Committed{Bytes: 100}, false},
		{Limits{Commit: opt.Of(uint64(1)), ReturnedTasks: 1}, Committed{Bytes: 100}, true},
		{heuristic, Committed{Bytes: 1000, Largest: 100}, true},
		{heuristic, Committed{Bytes: 1000, Largest: 101}, false},
	} {
		if got := test.limits.Passes(test.c); got != test.want {
			t.Errorf("%+v in %+v passes: %t", test.c, test.limits, got)
		}
	}
}

// A limit that can't be read and one that there is not are told apart.
func TestReadSeesCommit(t *testing.T) {
	meminfo := "MemTotal: 1000 kB\nMemAvailable: 500 kB\nCommitLimit: 800 kB\nCommitted_AS: 300 kB\n"
	for name, test := range map[string]struct {
		files  map[string]string
		commit bool // there is a limit
		seen   bool
	}{
		"always":         {map[string]string{"meminfo": meminfo, "sys/vm/overcommit_memory": "1\n"}, false, true},
		"strict":         {map[string]string{"meminfo": meminfo, "sys/vm/overcommit_memory": "2\n"}, true, true},
		"no mode":        {map[string]string{"meminfo": meminfo}, false, false},
		"no meminfo":     {map[string]string{"sys/vm/overcommit_memory": "2\n"}, false, false},
		"no file at all": {nil, false, false},
	} {
		l := cgroupTree(t, test.files).Read(7, 0)
		if l.Commit.Present() != test.commit || l.CommitSeen != test.seen {
			t.Errorf("%s: a commit limit: %t, seen: %t; want %t, %t", name, l.Commit.Present(), l.CommitSeen, test.commit, test.seen)
		}
	}
}
