package exporter

import (
	"strconv"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// Fifty saves back to back: each is in both accounts, and has a record.
func TestBackToBackSaves(t *testing.T) {
	s, r := startPair(t, redisrun.Options{})
	fill(t, s, slowKeys)
	set(t, s, "rdb-key-save-delay", "50") // no child may be gone before the next look, on a busy machine too
	const n = 50
	for range n {
		r.await("the save before has ended", func() bool { return field(t, s, "rdb_bgsave_in_progress") == "0" })
		do(t, s, "BGSAVE")
	}
	r.awaitAccounts(n)
	if got := field(t, s, "total_forks"); got != strconv.Itoa(n) {
		t.Fatalf("the server says that it has forked %s times", got)
	}
	for _, f := range r.awaitForks(n) {
		if f.Kind != fork.KindRDB || f.Outcome != fork.OutcomeOK || !f.StallSeconds.Present() {
			t.Errorf("%s: %s %s, stall %v", f.ID, f.Kind, f.Outcome, f.StallSeconds)
		}
	}
	if v := r.value("redis_fork_stall_seconds"); v != n {
		t.Errorf("stall_seconds_count = %v, want %v", v, n)
	}
}

// CONFIG RESETSTAT sets the server's own counts to 0: ours go on.
func TestResetStat(t *testing.T) {
	s, r := startPair(t, redisrun.Options{})
	fill(t, s, slowKeys)
	set(t, s, "rdb-key-save-delay", "100") // no child may be gone before the next look
	for i := range 3 {
		do(t, s, "BGSAVE")
		r.awaitForks(i + 1)
		do(t, s, "CONFIG", "RESETSTAT")
		r.awaitInfos(s, 2)
	}
	r.awaitAccounts(3)
	if v := r.value("redis_fork_reported_last_stall_seconds"); v != missing {
		t.Errorf("latest_fork_usec is 0 after RESETSTAT, which is no stall; exported as %v", v)
	}
}
