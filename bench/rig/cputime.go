package rig

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// CPUTime returns what all threads of process pid have run so far, the running ones
// up to this moment and the ended ones too. It takes 1 µs, and is exact.
func CPUTime(pid int) (time.Duration, error) {
	const scheduler = 2 // CPUCLOCK_SCHED: by the scheduler's clock, not by ticks
	clock := uintptr(^pid<<3 | scheduler)
	var ts syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, errno)
	}
	return time.Duration(ts.Nano()), nil
}
