package main

import (
	"errors"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// onOwnThread runs f on a thread that ends with it, ahead of everything of
// ordinary priority where that is allowed: it plays a client on another machine,
// which does not compete for this one's cores, or holds a stopwatch. Its calls
// into the kernel are raw ones, so the runtime needs a P to spare for each.
func onOwnThread(running *sync.WaitGroup, f func()) {
	running.Go(func() {
		runtime.LockOSThread() // and never unlocked, so that nobody inherits what is set here
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, firstPriority)
		const setTimerSlack = 29 // PR_SET_TIMERSLACK; 50 µs by default
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, setTimerSlack, 1, 0)
		f()
	})
}

const firstPriority = -20

// mayGoFirst tells whether onOwnThread may put threads first.
func mayGoFirst() bool {
	var running sync.WaitGroup
	var err error
	running.Go(func() {
		runtime.LockOSThread()
		err = syscall.Setpriority(syscall.PRIO_PROCESS, 0, firstPriority)
	})
	running.Wait()
	return err == nil
}

// nap waits without the runtime's timers, which wait in whole milliseconds and
// then once more for the rest. It may end early.
func nap(d time.Duration) {
	if d <= 0 {
		return
	}
	ts := syscall.NsecToTimespec(int64(d))
	_, _, _ = syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// rawRead waits for bytes, and returns none at the end.
func rawRead(fd int, b []byte) (int, error) {
	return raw(syscall.SYS_READ, fd, b)
}

// rawWrite writes all of b.
func rawWrite(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := raw(syscall.SYS_WRITE, fd, b)
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func raw(call uintptr, fd int, b []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		switch {
		case errno == 0:
			return int(n), nil
		case !errors.Is(errno, syscall.EINTR):
			return 0, errno
		}
	}
}
