package rig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Cgroup is a memory cgroup of the bench's own, of either version.
type Cgroup struct{ dir string }

// NewCgroup makes an empty one for name, which needs root and cgroups that may be
// written to.
func NewCgroup(name string) (*Cgroup, error) {
	var errs []error
	for _, parent := range []string{"/sys/fs/cgroup/memory", "/sys/fs/cgroup"} {
		c := &Cgroup{filepath.Join(parent, fmt.Sprintf("redis_fork_exporter_bench_%d_%s", os.Getpid(), name))}
		if err := os.Mkdir(c.dir, 0o755); err != nil {
			errs = append(errs, err)
			continue
		}
		if _, err := os.Stat(filepath.Join(c.dir, "memory.stat")); err != nil {
			errs = append(errs, err, c.Remove())
			continue
		}
		return c, nil
	}
	return nil, fmt.Errorf("no memory cgroup can be made for %s: %w", name, errors.Join(errs...))
}

// Dir returns the cgroup's directory.
func (c *Cgroup) Dir() string { return c.dir }

// Wrapper returns a command that starts another within the cgroup.
func (c *Cgroup) Wrapper() []string {
	return []string{"sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(c.dir, "cgroup.procs")}
}

// Lodge puts a process into the cgroup that does nothing but be there: a server in
// it then has none of its own, and is the same server with the same memory.
func (c *Cgroup) Lodge() (*Process, error) {
	l, err := Start(nil, "sleep", "infinity")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(c.dir, "cgroup.procs"), []byte(strconv.Itoa(l.PID())), 0); err != nil {
		l.Stop()
		return nil, fmt.Errorf("put a second process into the server's cgroup: %w", err)
	}
	return l, nil
}

// Remove removes the cgroup once its last process is really gone, for which it
// waits a few seconds.
func (c *Cgroup) Remove() (err error) {
	for range 100 {
		if err = os.Remove(c.dir); err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		time.Sleep(lookEvery)
	}
	return err
}
