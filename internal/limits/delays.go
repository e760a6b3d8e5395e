package limits

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// DelayAccounting reports whether the kernel accounts delays now: the sysctl
// kernel.task_delayacct, which the boot parameter delayacct sets too.
//
// It must have been on when the server's threads started, and still be on: switched
// off later, their counts stand still; switched on later, they stay 0. Ask about the
// main thread to find out: one thread that was started after the switch makes the sum
// over all threads look accounted. The error is fs.ErrNotExist in a kernel without
// CONFIG_TASK_DELAY_ACCT, or where procfs shows processes only (systemd's
// ProcSubset=pid).
func (fs FS) DelayAccounting() (bool, error) {
	path := filepath.Join(fs.proc, "sys/kernel/task_delayacct")
	b, err := os.ReadFile(path)
	if err != nil {
		return false, fmt.Errorf("is delay accounting on: %w", err)
	}
	switch string(bytes.TrimSpace(b)) {
	case "0":
		return false, nil
	case "1":
		return true, nil
	}
	return false, fmt.Errorf("%s: %q is neither 0 nor 1", path, b)
}
