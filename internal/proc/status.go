package proc

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Status is what this project needs of /proc/PID/status. Sizes are in bytes and
// absent for zombies and kernel threads.
type Status struct {
	UID, GID int // effective
	Threads  int
	// NSPID is the pid in the process's own PID namespace; absent before Linux 4.1.
	NSPID   opt.Val[int]
	VMRSS   opt.Val[uint64]
	RSSAnon opt.Val[uint64] // since Linux 4.5
	VMPTE   opt.Val[uint64]
	VMSwap  opt.Val[uint64]
	// HugePages tells whether the process may get transparent huge pages, or has
	// switched them off for itself (PR_SET_THP_DISABLE); absent before Linux 5.0.
	HugePages opt.Val[bool]
}

// ParseStatus returns what b says, the content of /proc/PID/status.
func ParseStatus(b []byte) (Status, error) {
	var s Status
	haveUID, haveGID := false, false
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			return Status{}, fmt.Errorf("status: %w", ErrTruncated)
		}
		b = rest
		key, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		var err error
		switch string(key) {
		case "Uid":
			s.UID, err = effective(value)
			haveUID = true
		case "Gid":
			s.GID, err = effective(value)
			haveGID = true
		case "Threads":
			s.Threads, err = lastNumber(value)
		case "NSpid":
			var pid int
			pid, err = lastNumber(value)
			s.NSPID = opt.Of(pid)
		case "VmRSS":
			s.VMRSS, err = kilobytes(value)
		case "RssAnon":
			s.RSSAnon, err = kilobytes(value)
		case "VmPTE":
			s.VMPTE, err = kilobytes(value)
		case "VmSwap":
			s.VMSwap, err = kilobytes(value)
		case "THP_enabled":
			var enabled int
			enabled, err = lastNumber(value)
			s.HugePages = opt.Of(enabled != 0)
		}
		if err != nil {
			return Status{}, fmt.Errorf("status: %s: %w", key, err)
		}
	}
	if !haveUID || !haveGID {
		return Status{}, fmt.Errorf("status: %w", ErrTruncated)
	}
	return s, nil
}

var errNoNumber = errors.New("not a number")

// effective returns the second of the four ids in value: real, effective, saved, file
// system.
func effective(value []byte) (int, error) {
	f := bytes.Fields(value)
	if len(f) < 2 {
		return 0, ErrTruncated
	}
	return whole(f[1])
}

// lastNumber returns the last of the numbers in value.
func lastNumber(value []byte) (int, error) {
	f := bytes.Fields(value)
	if len(f) == 0 {
		return 0, ErrTruncated
	}
	return whole(f[len(f)-1])
}

// whole returns the number that b is, with nothing before or after it.
func whole(b []byte) (int, error) {
	n, rest, ok := number(b)
	if !ok || len(rest) > 0 || n > 1<<32 {
		return 0, errNoNumber
	}
	return int(n), nil
}

// kilobytes returns in bytes the size that value gives in kB.
func kilobytes(value []byte) (opt.Val[uint64], error) {
	n, rest, ok := number(bytes.TrimLeft(value, " \t"))
	if !ok || string(rest) != " kB" || n > 1<<53 {
		return opt.Val[uint64]{}, errNoNumber
	}
	return opt.Of(n << 10), nil
}
