package taskstats

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

var (
	// ErrUnsupported reports that there is no such kernel interface here.
	ErrUnsupported = errors.New("no taskstats here: a kernel without CONFIG_TASKSTATS, or a sandbox without netlink sockets")
	// ErrDenied reports that the kernel does not answer this user.
	ErrDenied = errors.New("not permitted: taskstats need CAP_NET_ADMIN in the initial user namespace")
	// ErrVersion reports that the kernel's struct has no copies, or is none we know.
	ErrVersion = errors.New("no page copies in this kernel's taskstats")
	// ErrGone reports that there is no such process or thread, not even a zombie. It is
	// expected, never a fault.
	ErrGone = errors.New("the process is gone")
)

// classify returns err, an error of the kernel, wrapped in the sentinel it means.
// what was tried stands before it.
func classify(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ESRCH):
		err = ErrGone
	case errors.Is(err, fs.ErrPermission): // EPERM, EACCES
		err = ErrDenied
	case errors.Is(err, fs.ErrNotExist), // no such family
		errors.Is(err, unix.EAFNOSUPPORT), // systemd's RestrictAddressFamilies without AF_NETLINK
		errors.Is(err, unix.EPROTONOSUPPORT):
		err = fmt.Errorf("%w (%w)", ErrUnsupported, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
