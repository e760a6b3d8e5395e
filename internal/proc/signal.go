package proc

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// SignalName returns the name of the signal s, such as SIGKILL; "" for a number
// without one.
func SignalName(s syscall.Signal) string { return unix.SignalName(s) }
