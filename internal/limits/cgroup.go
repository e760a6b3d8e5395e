package limits

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// MemoryCgroup is a process's memory cgroup.
//
// What it has charged as anonymous memory, minus what the server has mapped of
// it, is what only the server's children hold: a child's private memory, exact,
// at a cost that does not grow with the memory. That needs a cgroup that holds
// nobody else.
type MemoryCgroup struct {
	cgroupDir
	// The names of anonymous memory in memory.stat, and of huge pages in that.
	key, hugeKey string

	mu   sync.Mutex // guards what follows
	stat int        // descriptor of memory.stat; -1 when closed
	buf  []byte
}

// errNoCgroup reports that the process's cgroup has no memory controller here, or is
// mounted where we can't see it.
var errNoCgroup = errors.New("its memory cgroup can't be read")

// MemoryCgroup returns the memory cgroup of the process pid, of version 2 or 1.
// Anyone may read it where cgroups are mounted; in a container they often are not.
// The caller closes it.
func (fs FS) MemoryCgroup(pid int) (*MemoryCgroup, error) {
	lines, err := fs.readFile(pid, "cgroup")
	if err != nil {
		return nil, err
	}
	for _, dir := range fs.cgroupDirs(lines, "memory") {
		c := &MemoryCgroup{cgroupDir: dir, key: "rss", hugeKey: "rss_huge"}
		if dir.v2 {
			c.key, c.hugeKey = "anon", "anon_thp"
		}
		fd, err := unix.Open(filepath.Join(c.path, "memory.stat"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		c.stat, c.buf = fd, make([]byte, 8<<10)
		members, err := c.Processes()
		// A path that begins in another cgroup namespace leads elsewhere here.
		if _, readErr := c.Anonymous(); err == nil && readErr == nil && slices.Contains(members, pid) {
			return c, nil
		}
		c.Close()
	}
	return nil, fmt.Errorf("process %d: %w", pid, errNoCgroup)
}

// cgroupDir is a directory that may be a process's cgroup.
type cgroupDir struct {
	mount, path string
	v2          bool
}

// cgroupDirs returns the directories that a cgroup of the controller may be in, by
// lines, which are the "id:controllers:path" of /proc/PID/cgroup. On a machine with
// both versions there are two.
func (fs FS) cgroupDirs(lines []byte, controller string) (dirs []cgroupDir) {
	mount := filepath.Join(fs.sys, "fs", "cgroup")
	for line := range strings.Lines(string(lines)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) != 3:
		case parts[0] == "0":
			dirs = append(dirs, cgroupDir{mount, filepath.Join(mount, parts[2]), true})
		case strings.Contains(","+parts[1]+",", ","+controller+","):
			own := filepath.Join(mount, controller)
			dirs = append(dirs, cgroupDir{own, filepath.Join(own, parts[2]), false})
		}
	}
	return dirs
}

// Anonymous returns the anonymous memory charged to the cgroup, in bytes: in 7 µs,
// whatever the memory. The kernel may lag by 64 pages per CPU for up to 2 s.
func (c *MemoryCgroup) Anonymous() (uint64, error) { return c.value(c.key) }

// AnonymousHuge returns how many bytes of the anonymous memory are transparent huge
// pages; since Linux 5.9 in version 2.
func (c *MemoryCgroup) AnonymousHuge() (uint64, error) { return c.value(c.hugeKey) }

// value returns the value of key in memory.stat.
func (c *MemoryCgroup) value(key string) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stat < 0 {
		return 0, proc.ErrGone
	}
	n, err := pread(c.stat, c.buf)
	if err != nil {
		return 0, proc.Classify(c.path, err)
	}
	return statValue(c.buf[:n], key)
}

// statValue returns N of the line "key N" in b, the content of memory.stat.
func statValue(b []byte, key string) (uint64, error) {
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			break
		}
		b = rest
		if len(line) > len(key) && string(line[:len(key)]) == key && line[len(key)] == ' ' {
			n, err := parseNumber(line[len(key)+1:])
			if err != nil {
				return 0, fmt.Errorf("memory.stat: %s: %w", key, err)
			}
			return n, nil
		}
	}
	return 0, fmt.Errorf("memory.stat has no %s: %w", key, proc.ErrTruncated)
}

// Processes returns the pids in the cgroup itself, not in those below it.
func (c *MemoryCgroup) Processes() ([]int, error) { return cgroupProcesses(c.path) }

// cgroupProcesses returns the pids in the cgroup whose directory is dir.
func cgroupProcesses(dir string) ([]int, error) {
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil, proc.Classify(dir, err)
	}
	var pids []int
	for line := range bytes.Lines(b) {
		pid, err := strconv.Atoi(string(bytes.TrimSpace(line)))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// Close closes the file. Further reads fail with proc.ErrGone.
func (c *MemoryCgroup) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stat >= 0 {
		_ = unix.Close(c.stat)
		c.stat = -1
	}
}

// pread reads the file of the descriptor fd from its beginning into b, and returns
// how many bytes that was.
func pread(fd int, b []byte) (int, error) {
	for {
		n, err := unix.Pread(fd, b, 0)
		if err != unix.EINTR {
			return n, err
		}
	}
}
