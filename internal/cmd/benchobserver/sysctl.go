package main

import (
	"bytes"
	"fmt"
	"os"
)

// delayAccounting is the kernel's switch for taskstats' delays. A server's are
// accounted if it was on when the server started.
const delayAccounting = "/proc/sys/kernel/task_delayacct"

// setSysctl sets one, and returns how to set it back to what it was.
func setSysctl(path, value string) (restore func() error, err error) {
	old, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if string(bytes.TrimSpace(old)) == value {
		return func() error { return nil }, nil
	}
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return nil, err
	}
	return func() error {
		if err := os.WriteFile(path, old, 0); err != nil {
			return fmt.Errorf("set back to %q: %w", bytes.TrimSpace(old), err)
		}
		return nil
	}, nil
}
