package rig

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Stopwatch measures the CPU time of a process by what the scheduler says of each of
// its threads, in nanoseconds.
type Stopwatch struct {
	pid   int
	start time.Time
	ran   map[int]time.Duration // until start, by thread
}

// StartStopwatch begins to measure process pid.
func StartStopwatch(pid int) (*Stopwatch, error) {
	ran, err := threadsRan(pid)
	return &Stopwatch{pid, time.Now(), ran}, err
}

// Read returns for how long the process's threads have run since the start, added up,
// and how long ago that was. What a thread has run that ended meanwhile is not counted.
func (s *Stopwatch) Read() (ran, took time.Duration, err error) {
	now, err := threadsRan(s.pid)
	return ranSince(s.ran, now), time.Since(s.start), err
}

// threadsRan returns what each thread of process pid has run so far, by its id.
func threadsRan(pid int) (map[int]time.Duration, error) {
	tasks := filepath.Join("/proc", strconv.Itoa(pid), "task")
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return nil, fmt.Errorf("threads of process %d: %w", pid, err)
	}
	ran := map[int]time.Duration{}
	for _, thread := range threads {
		text, err := os.ReadFile(filepath.Join(tasks, thread.Name(), "schedstat"))
		if err != nil {
			continue // it has ended
		}
		s, err := parseSchedstat(string(text))
		if err != nil {
			return nil, err
		}
		tid, err := strconv.Atoi(thread.Name())
		if err != nil {
			return nil, err
		}
		ran[tid] = s.Ran
	}
	return ran, nil
}

// ranSince returns what threads have run between two readings, before and after.
func ranSince(before, after map[int]time.Duration) (sum time.Duration) {
	for tid, ran := range after {
		sum += ran - before[tid]
	}
	return sum
}
