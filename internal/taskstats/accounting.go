package taskstats

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// DelayAccounting tells whether the kernel accounts delays now: the sysctl
// kernel.task_delayacct, which the boot parameter delayacct sets too. procfs is
// where that is mounted.
//
// It must have been on when the server's threads started, and still be on:
// switched off later, their counts stand still; switched on later, they stay 0
// and Accounted finds out. The error is fs.ErrNotExist in a kernel without
// CONFIG_TASK_DELAY_ACCT, or where procfs shows processes only (systemd's
// ProcSubset=pid).
func DelayAccounting(procfs string) (bool, error) {
	path := filepath.Join(procfs, "sys/kernel/task_delayacct")
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

// unaccountedFaults is how many write faults without a counted copy prove that
// copies are not counted. Far fewer would do: a server that is accounted has
// copied pages before it serves its first command.
const unaccountedFaults = 1000

// Accounted tells whether the kernel counts the copies of a thread: the same
// thread's answer at first, when the exporter attached, and later, while a child
// lives. faults is the server's minor faults between the two, less the pages by
// which it grew; it may be negative.
//
// The count of a thread that was started with delay accounting off stays 0 for
// ever. So a count is the proof that it is accounted; 0 after more than 1,000
// such faults is the proof that it isn't; anything else is not known yet, and
// absent.
//
// Ask with the main thread, not with the process: one thread that was started after
// the accounting was switched on makes the sum over all threads look accounted.
func Accounted(first, later Stats, faults int64) opt.Val[bool] {
	switch {
	case first.CopyCount != 0 || later.CopyCount != 0:
		return opt.Of(true)
	case faults > unaccountedFaults:
		return opt.Of(false)
	}
	return opt.Val[bool]{}
}
