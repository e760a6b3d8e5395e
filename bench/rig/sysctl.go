package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

const (
	// DelayAccounting is the kernel's switch for taskstats' delays. A server's are
	// accounted if it was on when the server started.
	DelayAccounting = "/proc/sys/kernel/task_delayacct"
	// HugePages is the mode of transparent huge pages: always, madvise or never.
	HugePages = "/sys/kernel/mm/transparent_hugepage/enabled"
)

// Set writes value to the kernel's setting at path, and returns what puts the old
// one back. Until then the file is locked, as internal/testutil/sysctl locks it:
// whoever else would change it waits. Set waits for others until ctx ends.
func Set(ctx context.Context, path, value string) (restore func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w (this needs root)", err)
	}
	for syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		if err := Sleep(ctx, lookEvery); err != nil {
			return nil, errors.Join(fmt.Errorf("somebody else holds %s: %w", path, err), f.Close())
		}
	}
	text, err := io.ReadAll(f)
	if err == nil {
		_, err = f.WriteAt([]byte(value), 0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		old := setting(string(text))
		if _, err := f.WriteAt([]byte(old), 0); err != nil {
			return errors.Join(fmt.Errorf("set %s back to %q: %w", path, old, err), f.Close())
		}
		return f.Close()
	}, nil
}

// setting returns the value in text, which a file of the kernel holds: all of it,
// or of several choices the one in brackets.
func setting(text string) string {
	if _, rest, ok := strings.Cut(text, "["); ok {
		if chosen, _, ok := strings.Cut(rest, "]"); ok {
			return chosen
		}
	}
	return strings.TrimSpace(text)
}
