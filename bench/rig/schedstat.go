package rig

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Schedstat is what the scheduler says of a thread.
type Schedstat struct {
	Ran    time.Duration // on a CPU
	Waited time.Duration // ready to run, while others did
}

// MainThread returns the Schedstat of the main thread of process pid, which may be
// a zombie.
func MainThread(pid int) (Schedstat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/schedstat", pid))
	if err != nil {
		return Schedstat{}, err
	}
	return parseSchedstat(string(text))
}

func parseSchedstat(text string) (Schedstat, error) {
	var s Schedstat
	if _, err := fmt.Sscan(text, &s.Ran, &s.Waited); err != nil {
		return s, fmt.Errorf("schedstat %q: %w", strings.TrimSpace(text), err)
	}
	return s, nil
}
