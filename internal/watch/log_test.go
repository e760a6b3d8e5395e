package watch

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// untimed is a log without times.
func untimed(out *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// A fork's line has all that the fork has cost, by whom it is known, and nothing that is not known.
func TestForkInTheLog(t *testing.T) {
	saved := fork.Record{
		ID: "17-42", Kind: fork.KindRDB, Outcome: fork.OutcomeOK, ChildPID: 42,
		ExitStatus: opt.Of(0), StallSeconds: opt.Of(0.0123), LifetimeSeconds: opt.Of(5.25), ResidentBytes: opt.Of(uint64(1000)),
		PeakBytes: opt.Of(uint64(300)), ReportedCOWBytes: opt.Of(uint64(299)),
		CopiedBytes: opt.Of(uint64(290)), CopiedSource: fork.SourceTaskstats, CopyStallSeconds: opt.Of(0.2),
		Curve: []fork.Point{{Source: fork.SourceCounters}, {Source: fork.SourceChildSmaps}, {Source: fork.SourceCounters}},
	}
	estimated := saved
	estimated.CopiedSource, estimated.CopyStallSeconds, estimated.EstimatedCopyStallSeconds = fork.SourceCounters, opt.Val[float64]{}, opt.Of(0.3)
	for _, c := range []struct {
		fork fork.Record
		want string
	}{
		{saved, `level=INFO msg="A fork has ended" kind=rdb outcome=ok id=17-42 child=42 stall=12.3ms lifetime=5.25s resident_bytes=1000 private_dirty_peak_bytes=300 ` +
			`points="child_smaps 1, counters 2" copied_bytes=290 copied_by=taskstats copy_stall=200ms reported_cow_bytes=299 exit_status=0`},
		{estimated, `level=INFO msg="A fork has ended" kind=rdb outcome=ok id=17-42 child=42 stall=12.3ms lifetime=5.25s resident_bytes=1000 private_dirty_peak_bytes=300 ` +
			`points="child_smaps 1, counters 2" copied_bytes=290 copied_by=counters estimated_copy_stall=300ms reported_cow_bytes=299 exit_status=0`},
		{
			fork.Record{ID: "18-43", Kind: fork.KindAOF, Outcome: fork.OutcomeKilled, ChildPID: 43, Signal: opt.Of("SIGKILL"), Partial: true},
			`level=INFO msg="A fork has ended" kind=aof outcome=killed id=18-43 child=43 signal=SIGKILL partial=true`,
		},
	} {
		var out bytes.Buffer
		logFork(untimed(&out), c.fork)
		if diff := cmp.Diff(c.want+"\n", out.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestTailInTheLog(t *testing.T) {
	var out bytes.Buffer
	logTail(untimed(&out), "17-42", fork.Tail{Seconds: 60.0004, Faults: 77, Truncated: true, Left: opt.Of(uint64(4096))})
	logTail(untimed(&out), "18-43", fork.Tail{Seconds: 8, Faults: 5})
	const want = `level=INFO msg="The tail of a fork has ended" id=17-42 tail=1m0s write_faults=77 truncated=true left_bytes=4096
level=INFO msg="The tail of a fork has ended" id=18-43 tail=8s write_faults=5 truncated=false
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
