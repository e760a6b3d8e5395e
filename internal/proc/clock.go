package proc

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// ThreadCPUTime is the CPU time that the calling thread has used. Whoever takes
// a difference has to stay on its thread (runtime.LockOSThread).
func ThreadCPUTime() time.Duration { return clock(unix.CLOCK_THREAD_CPUTIME_ID) }

// sinceBoot is the clock of processes' start times: it counts suspended time.
func sinceBoot() time.Duration { return clock(unix.CLOCK_BOOTTIME) }

func clock(id int32) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		return 0 // not with these clocks and a Linux of this century
	}
	return time.Duration(ts.Nano())
}

// age is how long ago a start time (ticks since boot) was. The grain is a tick,
// 10 ms, rounded towards older. In a time namespace, start times are shifted as
// the clock is, since Linux 5.5.
func age(start uint64) (time.Duration, error) {
	a := sinceBoot() - time.Duration(start)*(time.Second/TicksPerSecond)
	if a < 0 {
		return 0, fmt.Errorf("a process started %s in the future: procfs is another machine's", -a)
	}
	return a, nil
}
