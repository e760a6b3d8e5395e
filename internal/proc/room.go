package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// CgroupRoom is what the limits of a memory cgroup and of those above it leave;
// absent where none has such a limit.
type CgroupRoom struct {
	// Max is the tightest limit: the kernel kills rather than exceed it.
	Max opt.Val[CgroupLimit]
	// High is the tightest memory.high (version 2): beyond it the kernel slows
	// everybody in the cgroup down.
	High opt.Val[CgroupLimit]
}

// CgroupLimit is a limit, and what it leaves, in bytes.
type CgroupLimit struct {
	Path  string // of the cgroup whose limit it is, below the mount point
	Limit uint64
	// Left is the limit less what is charged to the cgroup and those below it, of
	// which inactive file cache does not count: the kernel drops it first.
	Left uint64
}

// CgroupRoom reads the limits of a process's memory cgroup and of those above it,
// as far up as they are visible here. An error says that nobody can tell.
func (fs FS) CgroupRoom(pid int) (CgroupRoom, error) {
	c, err := fs.MemoryCgroup(pid)
	if err != nil {
		return CgroupRoom{}, err
	}
	defer c.Close()
	read := cgroupV1
	if c.v2 {
		read = cgroupV2
	}
	var room CgroupRoom
	for _, dir := range upTo(c.mount, c.path) {
		l, err := read(dir, dir == c.mount)
		if err != nil {
			return CgroupRoom{}, err
		}
		path := "/" + strings.Trim(strings.TrimPrefix(dir, c.mount), "/")
		room.Max = tighter(room.Max, path, l.max, l.used)
		room.High = tighter(room.High, path, l.high, l.used)
	}
	return room, nil
}

// upTo lists a directory and those above it, up to and with the top.
func upTo(top, dir string) []string {
	var dirs []string
	for ; len(dir) > len(top) && strings.HasPrefix(dir, top+"/"); dir = filepath.Dir(dir) {
		dirs = append(dirs, dir)
	}
	return append(dirs, top)
}

// none stands for no limit.
const none = math.MaxUint64

// cgroupLevel is one cgroup's limits, and what counts against them.
type cgroupLevel struct{ max, high, used uint64 }

// tighter is the one of two limits that leaves less.
func tighter(so opt.Val[CgroupLimit], path string, limit, used uint64) opt.Val[CgroupLimit] {
	if limit == none {
		return so
	}
	l := CgroupLimit{Path: path, Limit: limit, Left: limit - min(limit, used)}
	if tightest, ok := so.Get(); ok && tightest.Left <= l.Left {
		return so
	}
	return opt.Of(l)
}

// cgroupV2 reads one cgroup of version 2. The machine's root has none of the
// files; that of a cgroup namespace has.
func cgroupV2(dir string, _ bool) (cgroupLevel, error) {
	l := cgroupLevel{max: none, high: none}
	var err error
	if l.max, err = cgroupNumber(dir, "memory.max"); err != nil {
		return l, err
	}
	if l.high, err = cgroupNumber(dir, "memory.high"); err != nil {
		return l, err
	}
	if l.max == none && l.high == none {
		return l, nil
	}
	l.used, err = cgroupUsed(dir, "memory.current", "inactive_file")
	return l, err
}

// v1Unlimited is what version 1 calls no limit, or more: the largest number of
// pages that it can count.
const v1Unlimited = math.MaxInt64 &^ 0xffff

// cgroupV1 reads one cgroup of version 1. The topmost that is visible knows of a
// tighter limit above it, though not what is left of that: no more than if only
// what is below this one were charged to it.
func cgroupV1(dir string, topmost bool) (cgroupLevel, error) {
	l := cgroupLevel{max: none, high: none}
	var err error
	if l.max, err = cgroupNumber(dir, "memory.limit_in_bytes"); err != nil {
		return l, err
	}
	if topmost {
		above, err := cgroupStat(dir, "hierarchical_memory_limit")
		if err != nil {
			return l, err
		}
		l.max = min(l.max, above)
	}
	if l.max >= v1Unlimited {
		l.max = none
		return l, nil
	}
	l.used, err = cgroupUsed(dir, "memory.usage_in_bytes", "total_inactive_file")
	return l, err
}

// cgroupUsed is what is charged to a cgroup, less what the kernel drops at need.
func cgroupUsed(dir, usage, droppable string) (uint64, error) {
	used, err := cgroupNumber(dir, usage)
	if err != nil {
		return 0, err
	}
	cache, err := cgroupStat(dir, droppable)
	return used - min(used, cache), err
}

// cgroupNumber reads a file with one number or "max". A file that is not there
// limits nothing.
func cgroupNumber(dir, name string) (uint64, error) {
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return 0, classify(path, err)
	}
	b = bytes.TrimSpace(b)
	if string(b) == "max" {
		return none, nil
	}
	n, rest, ok := number(b)
	if !ok || len(rest) > 0 {
		return 0, fmt.Errorf("%s: %w", path, errNoNumber)
	}
	return n, nil
}

func cgroupStat(dir, key string) (uint64, error) {
	path := filepath.Join(dir, "memory.stat")
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, classify(path, err)
	}
	return statValue(b, key)
}
