package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	accountingFile = "/proc/sys/kernel/task_delayacct"
	hugePagesFile  = "/sys/kernel/mm/transparent_hugepage/enabled"
)

// setKernel writes a setting of the kernel, and returns what puts the old one
// back. Until then the file is locked, as internal/testutil/sysctl locks it: whoever
// else would change it waits.
func setKernel(ctx context.Context, path, value string) (restore func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w; this program needs root", err)
	}
	old := ""
	for syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return nil, errors.Join(fmt.Errorf("somebody else holds %s: %w", path, err), f.Close())
		}
	}
	b, err := io.ReadAll(f)
	if err == nil {
		old = setting(string(b))
		_, err = f.WriteAt([]byte(value), 0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		_, err := f.WriteAt([]byte(old), 0)
		return errors.Join(err, f.Close())
	}, nil
}

// setting is the value of a file of the kernel: all of it, or of several choices
// the one in brackets.
func setting(text string) string {
	if _, rest, ok := strings.Cut(text, "["); ok {
		if chosen, _, ok := strings.Cut(rest, "]"); ok {
			return chosen
		}
	}
	return strings.TrimSpace(text)
}

// cgroup is a memory cgroup of this program's own, of either version.
type cgroup struct{ dir string }

func newCgroup() (*cgroup, error) {
	name := fmt.Sprintf("redis_fork_exporter_bench_%d", os.Getpid())
	var errs []error
	for _, c := range []struct{ mount, has string }{
		{"/sys/fs/cgroup/memory", "memory.usage_in_bytes"},
		{"/sys/fs/cgroup", "memory.current"},
	} {
		dir := filepath.Join(c.mount, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			errs = append(errs, err)
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, c.has)); err == nil {
			return &cgroup{dir}, nil
		}
		errs = append(errs, os.Remove(dir))
	}
	return nil, fmt.Errorf("no memory cgroup of its own for the server: %w", errors.Join(errs...))
}

func (c *cgroup) add(pid int) error {
	return os.WriteFile(filepath.Join(c.dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
}

// remove removes the cgroup once the processes in it are gone, for which it
// waits a moment.
func (c *cgroup) remove() (err error) {
	for range 100 {
		if err = os.Remove(c.dir); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}
