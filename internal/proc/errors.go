package proc

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

var (
	// ErrGone reports that the process ended before or while it was read. It is expected,
	// never a fault.
	ErrGone = errors.New("the process is gone")
	// ErrDenied reports that the kernel does not let this user read that.
	ErrDenied = errors.New("not permitted")
	// ErrTruncated reports that a file ended before its content did.
	ErrTruncated = errors.New("the file is cut short")
)

// Classify returns err wrapped in the sentinel that it means for a process's file,
// ErrGone or ErrDenied, or in neither. path is what was read, for the text. A nil err
// stays nil.
func Classify(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ESRCH), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", path, ErrGone)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w", path, ErrDenied)
	}
	return fmt.Errorf("%s: %w", path, err)
}
