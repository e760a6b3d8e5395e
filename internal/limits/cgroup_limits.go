package limits

import (
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// memoryLimits returns the tightest memory limit of the memory cgroup of the
// process pid and of those above it, as far up as they are visible here, and
// likewise the tightest memory.high (version 2). Each is absent where no cgroup
// sets it. An error says that nobody can tell.
func (fs FS) memoryLimits(pid int) (hard, high opt.Val[Limit], err error) {
	c, err := fs.MemoryCgroup(pid)
	if err != nil {
		return hard, high, err
	}
	defer c.Close()
	read := cgroupV1
	if c.v2 {
		read = cgroupV2
	}
	for _, dir := range upTo(c.mount, c.path) {
		l, err := read(dir, dir == c.mount)
		if err != nil {
			return opt.Val[Limit]{}, opt.Val[Limit]{}, err
		}
		path := "/" + strings.Trim(strings.TrimPrefix(dir, c.mount), "/")
		hard = tighter(hard, path, l.max, l.used)
		high = tighter(high, path, l.high, l.used)
	}
	return hard, high, nil
}

// upTo returns dir and the directories above it, up to and with top.
func upTo(top, dir string) []string {
	var dirs []string
	for ; len(dir) > len(top) && strings.HasPrefix(dir, top+"/"); dir = filepath.Dir(dir) {
		dirs = append(dirs, dir)
	}
	return append(dirs, top)
}

// cgroupLevel is one cgroup's limits, and what counts against them.
type cgroupLevel struct{ max, high, used uint64 }

// tighter returns tightest, or the limit maximum of the cgroup at path if that
// leaves less. used is what counts against it.
func tighter(tightest opt.Val[Limit], path string, maximum, used uint64) opt.Val[Limit] {
	if maximum == none {
		return tightest
	}
	l := Limit{Path: path, Max: maximum, Left: maximum - min(maximum, used)}
	if t, ok := tightest.Get(); ok && t.Left <= l.Left {
		return tightest
	}
	return opt.Of(l)
}

// cgroupV2 returns the limits of the cgroup of version 2 whose directory is dir. The
// machine's root has none of the files; that of a cgroup namespace has.
func cgroupV2(dir string, _ bool) (cgroupLevel, error) {
	l := cgroupLevel{max: none, high: none}
	var err error
	if l.max, err = readNumber(dir, "memory.max"); err != nil {
		return l, err
	}
	if l.high, err = readNumber(dir, "memory.high"); err != nil {
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

// cgroupV1 returns the limits of the cgroup of version 1 whose directory is dir. The
// topmost that is visible knows of a tighter limit above it, though not what is left
// of that: no more than if only what is below this one were charged to it.
func cgroupV1(dir string, topmost bool) (cgroupLevel, error) {
	l := cgroupLevel{max: none, high: none}
	var err error
	if l.max, err = readNumber(dir, "memory.limit_in_bytes"); err != nil {
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

// cgroupUsed returns what is charged to the cgroup whose directory is dir, less what
// the kernel drops at need, in bytes. usage is the file of the first, droppable the
// key of the second in memory.stat.
func cgroupUsed(dir, usage, droppable string) (uint64, error) {
	used, err := readNumber(dir, usage)
	if err != nil {
		return 0, err
	}
	cache, err := cgroupStat(dir, droppable)
	return used - min(used, cache), err
}

// cgroupStat returns the value of key in memory.stat of the cgroup whose directory is
// dir.
func cgroupStat(dir, key string) (uint64, error) {
	path := filepath.Join(dir, "memory.stat")
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, proc.Classify(path, err)
	}
	return statValue(b, key)
}
