package proc

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// ThreadCPUTime returns the CPU time that the calling thread has used. Whoever takes
// a difference has to stay on the thread (runtime.LockOSThread).
func ThreadCPUTime() time.Duration { return clock(unix.CLOCK_THREAD_CPUTIME_ID) }

// sinceBoot returns the time since the machine was booted, suspended time included:
// the clock of processes' start times.
func sinceBoot() time.Duration { return clock(unix.CLOCK_BOOTTIME) }

// clock returns the time of the clock id; 0 where the kernel has no such clock.
func clock(id int32) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		return 0 // not with these clocks and a Linux of this century
	}
	return time.Duration(ts.Nano())
}

// age returns how long ago start was, a process's start time in ticks since boot. The
// grain is a tick, 10 ms, rounded towards older. In a time namespace, start times are
// shifted as the clock is, since Linux 5.5.
func age(start uint64) (time.Duration, error) {
	a := sinceBoot() - time.Duration(start)*(time.Second/TicksPerSecond)
	if a < 0 {
		return 0, fmt.Errorf("a process started %s in the future: procfs is another machine's", -a)
	}
	return a, nil
}
