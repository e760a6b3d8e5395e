package limits

import (
	"errors"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

const unlimited = "9223372036854771712\n" // by version 1

// cgroupV1Files are a cgroup of version 1 with 7 in it where procs is set.
func cgroupV1Files(files map[string]string, dir, limit, hierarchical, usage, inactive string) {
	at := "fs/cgroup/memory" + dir + "/"
	files[at+"memory.limit_in_bytes"] = limit + "\n"
	files[at+"memory.usage_in_bytes"] = usage + "\n"
	files[at+"memory.stat"] = "cache 5\nrss 6\ninactive_file 1\nhierarchical_memory_limit " + hierarchical + "\ntotal_inactive_file " + inactive + "\n"
	files[at+"cgroup.procs"] = ""
}

func TestMemoryLimitsV1(t *testing.T) {
	tree := func(change func(map[string]string)) map[string]string {
		files := map[string]string{"7/cgroup": "4:memory:/pods/redis\n0::/\n"}
		cgroupV1Files(files, "", unlimited[:19], unlimited[:19], "5000", "100")
		cgroupV1Files(files, "/pods", "4000", "4000", "3000", "200")
		cgroupV1Files(files, "/pods/redis", "2500", "2500", "2000", "150")
		files["fs/cgroup/memory/pods/redis/cgroup.procs"] = "7\n"
		change(files)
		return files
	}
	for name, test := range map[string]struct {
		change func(map[string]string)
		want   opt.Val[Limit]
	}{
		"the inner one": {func(map[string]string) {}, opt.Of(Limit{"/pods/redis", 2500, 650})},
		"one above": {func(f map[string]string) {
			f["fs/cgroup/memory/pods/memory.usage_in_bytes"] = "3900\n"
		}, opt.Of(Limit{"/pods", 4000, 300})},
		"over its limit": {func(f map[string]string) {
			f["fs/cgroup/memory/pods/redis/memory.usage_in_bytes"] = "2700\n"
		}, opt.Of(Limit{"/pods/redis", 2500, 0})},
		"cache of more than is charged": {func(f map[string]string) {
			f["fs/cgroup/memory/pods/redis/memory.stat"] = "rss 1\nhierarchical_memory_limit 2500\ntotal_inactive_file 9999\n"
		}, opt.Of(Limit{"/pods", 4000, 1200})},
		"none": {func(f map[string]string) {
			cgroupV1Files(f, "/pods", unlimited[:19], unlimited[:19], "3000", "200")
			cgroupV1Files(f, "/pods/redis", unlimited[:19], unlimited[:19], "2000", "150")
			f["fs/cgroup/memory/pods/redis/cgroup.procs"] = "7\n"
		}, opt.Val[Limit]{}},
		// In a container the limit may be that of a cgroup above the visible root.
		"one above what is visible": {func(f map[string]string) {
			cgroupV1Files(f, "", unlimited[:19], "3500", "3300", "100")
		}, opt.Of(Limit{"/", 3500, 300})},
	} {
		t.Run(name, func(t *testing.T) {
			hard, high, err := cgroupTree(t, tree(test.change)).memoryLimits(7)
			if err != nil || hard != test.want || high.Present() {
				t.Errorf("%+v, %+v, %v; want %+v", hard, high, err, test.want)
			}
		})
	}
}

func TestMemoryLimitsV2(t *testing.T) {
	group := func(files map[string]string, dir, limit, high, current, inactive string) {
		at := "fs/cgroup" + dir + "/"
		files[at+"memory.max"], files[at+"memory.high"], files[at+"memory.current"] = limit+"\n", high+"\n", current+"\n"
		files[at+"memory.stat"] = "anon 1\nfile 2\ninactive_file " + inactive + "\n"
		files[at+"cgroup.procs"] = ""
	}
	tree := func(change func(map[string]string)) map[string]string {
		files := map[string]string{"7/cgroup": "0::/a.slice/redis.service\n", "fs/cgroup/memory.stat": "anon 1\ninactive_file 1\n", "fs/cgroup/cgroup.procs": "1\n"}
		group(files, "/a.slice", "max", "max", "9000", "10")
		group(files, "/a.slice/redis.service", "2000", "max", "1500", "400")
		files["fs/cgroup/a.slice/redis.service/cgroup.procs"] = "7\n"
		change(files)
		return files
	}
	for name, test := range map[string]struct {
		change    func(map[string]string)
		max, high opt.Val[Limit]
	}{
		"one limit": {func(map[string]string) {}, opt.Of(Limit{"/a.slice/redis.service", 2000, 900}), opt.Val[Limit]{}},
		"memory.high is another limit": {func(f map[string]string) {
			f["fs/cgroup/a.slice/redis.service/memory.high"] = "1600\n"
		}, opt.Of(Limit{"/a.slice/redis.service", 2000, 900}), opt.Of(Limit{"/a.slice/redis.service", 1600, 500})},
		"memory.high alone": {func(f map[string]string) {
			f["fs/cgroup/a.slice/redis.service/memory.max"] = "max\n"
			f["fs/cgroup/a.slice/memory.high"] = "9500\n"
		}, opt.Val[Limit]{}, opt.Of(Limit{"/a.slice", 9500, 510})},
		"the slice is tighter": {func(f map[string]string) {
			f["fs/cgroup/a.slice/memory.max"] = "9490\n"
		}, opt.Of(Limit{"/a.slice", 9490, 500}), opt.Val[Limit]{}},
		"none": {func(f map[string]string) {
			f["fs/cgroup/a.slice/redis.service/memory.max"] = "max\n"
		}, opt.Val[Limit]{}, opt.Val[Limit]{}},
		// The root of a cgroup namespace has a limit's files, the machine's has not.
		"the root of a container": {func(f map[string]string) {
			clear(f)
			f["7/cgroup"] = "0::/\n"
			group(f, "", "3000", "max", "1000", "0")
			f["fs/cgroup/cgroup.procs"] = "1\n7\n"
		}, opt.Of(Limit{"/", 3000, 2000}), opt.Val[Limit]{}},
	} {
		t.Run(name, func(t *testing.T) {
			hard, high, err := cgroupTree(t, tree(test.change)).memoryLimits(7)
			if err != nil || hard != test.max || high != test.high {
				t.Errorf("%+v, %+v, %v; want max %+v, high %+v", hard, high, err, test.max, test.high)
			}
		})
	}
}

func TestMemoryLimitsUnknown(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"not visible": {"7/cgroup": "0::/../other\n"},
		"somebody else's": {
			"7/cgroup": "0::/\n", "fs/cgroup/memory.stat": "anon 1\n", "fs/cgroup/cgroup.procs": "1\n", "fs/cgroup/memory.max": "1000\n",
		},
		"no number": {
			"7/cgroup": "0::/\n", "fs/cgroup/memory.stat": "anon 1\n", "fs/cgroup/cgroup.procs": "7\n", "fs/cgroup/memory.max": "much\n",
		},
		"no inactive_file": {
			"7/cgroup": "0::/\n", "fs/cgroup/memory.stat": "anon 1\n", "fs/cgroup/cgroup.procs": "7\n",
			"fs/cgroup/memory.max": "1000\n", "fs/cgroup/memory.current": "10\n",
		},
	} {
		if hard, high, err := cgroupTree(t, files).memoryLimits(7); err == nil {
			t.Errorf("%s: %+v, %+v without an error", name, hard, high)
		}
	}
	if _, _, err := cgroupTree(t, nil).memoryLimits(7); !errors.Is(err, proc.ErrGone) {
		t.Errorf("no process: %v", err)
	}
}
