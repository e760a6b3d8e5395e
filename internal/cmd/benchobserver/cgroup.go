package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// cgroup is a memory cgroup that a server is started in, of either version.
type cgroup struct{ dir string }

// newCgroup makes one, which needs root and cgroups that may be written to.
func newCgroup(name string) (*cgroup, error) {
	var errs []error
	for _, parent := range []string{"/sys/fs/cgroup/memory", "/sys/fs/cgroup"} {
		c := &cgroup{filepath.Join(parent, fmt.Sprintf("benchobserver_%d_%s", os.Getpid(), name))}
		if err := os.Mkdir(c.dir, 0o755); err != nil {
			errs = append(errs, err)
			continue
		}
		if _, err := os.Stat(filepath.Join(c.dir, "memory.stat")); err != nil {
			errs = append(errs, err, c.remove())
			continue
		}
		return c, nil
	}
	return nil, errors.Join(errs...)
}

// wrapper is a command that starts another within the cgroup.
func (c *cgroup) wrapper() []string {
	return []string{"sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(c.dir, "cgroup.procs")}
}

// remove removes the cgroup once its last process is really gone.
func (c *cgroup) remove() error {
	var err error
	for range 100 {
		if err = os.Remove(c.dir); err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		time.Sleep(lookEvery)
	}
	return err
}

// lodge puts a process into the cgroup that does nothing but be there: the server
// then has none of its own, and is the same server with the same memory.
func (c *cgroup) lodge() (*helper, error) {
	l, err := startHelper("sleep", "infinity")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(c.dir, "cgroup.procs"), []byte(strconv.Itoa(l.cmd.Process.Pid)), 0); err != nil {
		l.stop()
		return nil, fmt.Errorf("put a second process into the server's cgroup: %w", err)
	}
	return l, nil
}
