package track

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// Every reading is counted under its source, and each that failed under a pair that there
// is from the start.
func TestReadsAreCounted(t *testing.T) {
	s := New("s", "127.0.0.1:6379")
	fresh := s.State().Totals
	broken := errors.New("broken")
	var reads []fork.Read
	for _, source := range TimedSources {
		reads = append(reads, fork.Read{Source: source, Cost: time.Millisecond},
			fork.Read{Source: source, Err: broken, Reason: fork.ReasonFailed},
			fork.Read{Source: source, Err: broken, Reason: fork.ReasonDenied})
	}
	now := time.Unix(1_790_000_000, 0)
	for _, e := range []Event{
		Replied{Sent: now, At: now},
		Failed{Reason: "timeout"},
		Memory{},
		ReadFailed{ReadError{fork.SourceProcess, fork.ReasonDenied}},
		ReadFailed{ReadError{fork.SourceProcess, fork.ReasonFailed}},
		Point{ID: "of a fork that is closed", Readings: fork.Readings{Reads: reads}},
	} {
		s.Apply(e, now)
	}
	got := s.State().Totals
	want := map[fork.Source]uint64{fork.SourceInfo: 2}
	for _, source := range ReadSources[1:] {
		want[source] = 3
	}
	if diff := cmp.Diff(want, got.Reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	for e, n := range got.ReadErrors {
		failed := e.Source != fork.SourceInfo || e.Reason == "timeout"
		if failed != (n == 1) {
			t.Errorf("%d errors %v", n, e)
		}
	}
	for _, was := range [][2]int{{len(fresh.Reads), len(got.Reads)}, {len(fresh.ReadErrors), len(got.ReadErrors)}, {len(fresh.ReadSeconds), len(got.ReadSeconds)}} {
		if was[0] != was[1] {
			t.Errorf("of %d counters %d were there from the start", was[1], was[0])
		}
	}
	if len(got.ReadSeconds) != len(TimedSources) || got.ReadSeconds[fork.SourceCounters] != .001 {
		t.Errorf("CPU time of %v", got.ReadSeconds)
	}
}
