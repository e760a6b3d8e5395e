package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// schedstat is what the scheduler says of a thread.
type schedstat struct {
	ran    time.Duration // on a CPU
	waited time.Duration // ready to run, while others did
}

func parseSchedstat(text string) (schedstat, error) {
	var s schedstat
	if _, err := fmt.Sscan(text, &s.ran, &s.waited); err != nil {
		return s, fmt.Errorf("schedstat %q: %w", strings.TrimSpace(text), err)
	}
	return s, nil
}

// mainThread reads a process's main thread, a zombie's too.
func mainThread(pid int) (schedstat, error) {
	return readSchedstat(fmt.Sprintf("/proc/%d/task/%d/schedstat", pid, pid))
}

func readSchedstat(path string) (schedstat, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return schedstat{}, err
	}
	return parseSchedstat(string(text))
}

// cpuTime is what all threads of a process have run so far, those that have
// ended not included: servers and exporters keep theirs.
func cpuTime(pid int) (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	if len(files) == 0 {
		return 0, fmt.Errorf("process %d is gone", pid)
	}
	var sum time.Duration
	for _, file := range files {
		s, err := readSchedstat(file)
		if os.IsNotExist(err) {
			continue // ended meanwhile
		}
		if err != nil {
			return 0, err
		}
		sum += s.ran
	}
	return sum, nil
}
