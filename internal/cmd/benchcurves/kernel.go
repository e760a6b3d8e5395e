package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	accountingFile = "/proc/sys/kernel/task_delayacct"
	hugePagesFile  = "/sys/kernel/mm/transparent_hugepage/enabled"
)

// setKernel writes a setting of the kernel, and returns what puts the old one back.
func setKernel(path, value string) (restore func() error, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	old := setting(string(b))
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return nil, fmt.Errorf("%w; this program needs root", err)
	}
	return func() error { return os.WriteFile(path, []byte(old), 0) }, nil
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
