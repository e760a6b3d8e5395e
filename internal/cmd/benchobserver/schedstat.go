package main

import (
	"fmt"
	"os"
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
