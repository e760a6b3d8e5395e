package exporter

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// memoryCgroup is a memory cgroup of the test's own, of either version.
type memoryCgroup struct {
	dir                string
	usageFile, limitAt string
}

// newMemoryCgroup makes one, which needs root and a machine whose cgroups may be
// written to.
func newMemoryCgroup(t *testing.T) memoryCgroup {
	t.Helper()
	name := fmt.Sprintf("redis_fork_exporter_test_%d", os.Getpid())
	var errs []error
	for _, c := range []memoryCgroup{
		{filepath.Join("/sys/fs/cgroup/memory", name), "memory.usage_in_bytes", "memory.limit_in_bytes"},
		{filepath.Join("/sys/fs/cgroup", name), "memory.current", "memory.max"},
	} {
		if err := os.Mkdir(c.dir, 0o755); err != nil {
			errs = append(errs, err)
			continue
		}
		t.Cleanup(func() {
			if err := os.Remove(c.dir); err != nil {
				t.Error(err)
			}
		})
		if _, err := os.Stat(filepath.Join(c.dir, c.limitAt)); err == nil {
			return c
		}
	}
	t.Skipf("an OOM kill needs a memory cgroup that this user may make: %v", errs)
	return memoryCgroup{}
}

func (c memoryCgroup) write(t *testing.T, file, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, file), []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

// add moves a process into the cgroup until the test ends.
func (c memoryCgroup) add(t *testing.T, pid int) {
	t.Helper()
	c.write(t, "cgroup.procs", strconv.Itoa(pid))
}

func (c memoryCgroup) limitTo(t *testing.T, bytes int) {
	t.Helper()
	c.write(t, c.limitAt, strconv.Itoa(bytes))
}

func (c memoryCgroup) usage(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, c.usageFile))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(b)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
