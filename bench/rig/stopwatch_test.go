package rig

import (
	"os"
	"testing"
	"time"
)

func TestRanSince(t *testing.T) {
	before := map[int]time.Duration{1: 5, 2: 7, 3: 100}
	after := map[int]time.Duration{1: 6, 2: 17, 4: 1000} // 3 has ended, 4 is new
	if got := ranSince(before, after); got != 1011 {
		t.Errorf("%d ns, want 1 + 10 + 1000", got)
	}
}

func TestStopwatchOfThisProcess(t *testing.T) {
	s, err := StartStopwatch(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	begin, err := CPUTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	used := func() time.Duration {
		now, err := CPUTime(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		return now - begin
	}
	for used() < 100*time.Millisecond { // uses up time
	}
	ran, took, err := s.Read()
	// What a running thread has run is written down at the scheduler's tick.
	if err != nil || ran < 80*time.Millisecond || took < ran/100 {
		t.Errorf("ran %s of %s, %v; it was 100 ms", ran, took, err)
	}
	if _, err := StartStopwatch(1 << 23); err == nil {
		t.Error("no error for a process that is not there")
	}
}
