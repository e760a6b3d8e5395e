package proc

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// SignalName is a signal's name as in SIGKILL, empty for a number without one.
func SignalName(s syscall.Signal) string { return unix.SignalName(s) }
