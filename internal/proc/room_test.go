package proc

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
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

func TestCgroupRoomV1(t *testing.T) {
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
		want   opt.Val[CgroupLimit]
	}{
		"the inner one": {func(map[string]string) {}, opt.Of(CgroupLimit{"/pods/redis", 2500, 650})},
		"one above": {func(f map[string]string) {
			f["fs/cgroup/memory/pods/memory.usage_in_bytes"] = "3900\n"
		}, opt.Of(CgroupLimit{"/pods", 4000, 300})},
		"over its limit": {func(f map[string]string) {
			f["fs/cgroup/memory/pods/redis/memory.usage_in_bytes"] = "2700\n"
		}, opt.Of(CgroupLimit{"/pods/redis", 2500, 0})},
		"cache of more than is charged": {func(f map[string]string) {
			f["fs/cgroup/memory/pods/redis/memory.stat"] = "rss 1\nhierarchical_memory_limit 2500\ntotal_inactive_file 9999\n"
		}, opt.Of(CgroupLimit{"/pods", 4000, 1200})},
		"none": {func(f map[string]string) {
			cgroupV1Files(f, "/pods", unlimited[:19], unlimited[:19], "3000", "200")
			cgroupV1Files(f, "/pods/redis", unlimited[:19], unlimited[:19], "2000", "150")
			f["fs/cgroup/memory/pods/redis/cgroup.procs"] = "7\n"
		}, opt.Val[CgroupLimit]{}},
		// In a container the limit may be that of a cgroup above the visible root.
		"one above what is visible": {func(f map[string]string) {
			cgroupV1Files(f, "", unlimited[:19], "3500", "3300", "100")
		}, opt.Of(CgroupLimit{"/", 3500, 300})},
	} {
		t.Run(name, func(t *testing.T) {
			room, err := cgroupTree(t, tree(test.change)).CgroupRoom(7)
			if err != nil || room.Max != test.want || room.High.Present() {
				t.Errorf("%+v, %v; want %+v", room, err, test.want)
			}
		})
	}
}

func TestCgroupRoomV2(t *testing.T) {
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
		max, high opt.Val[CgroupLimit]
	}{
		"one limit": {func(map[string]string) {}, opt.Of(CgroupLimit{"/a.slice/redis.service", 2000, 900}), opt.Val[CgroupLimit]{}},
		"memory.high is another limit": {func(f map[string]string) {
			f["fs/cgroup/a.slice/redis.service/memory.high"] = "1600\n"
		}, opt.Of(CgroupLimit{"/a.slice/redis.service", 2000, 900}), opt.Of(CgroupLimit{"/a.slice/redis.service", 1600, 500})},
		"memory.high alone": {func(f map[string]string) {
			f["fs/cgroup/a.slice/redis.service/memory.max"] = "max\n"
			f["fs/cgroup/a.slice/memory.high"] = "9500\n"
		}, opt.Val[CgroupLimit]{}, opt.Of(CgroupLimit{"/a.slice", 9500, 510})},
		"the slice is tighter": {func(f map[string]string) {
			f["fs/cgroup/a.slice/memory.max"] = "9490\n"
		}, opt.Of(CgroupLimit{"/a.slice", 9490, 500}), opt.Val[CgroupLimit]{}},
		"none": {func(f map[string]string) {
			f["fs/cgroup/a.slice/redis.service/memory.max"] = "max\n"
		}, opt.Val[CgroupLimit]{}, opt.Val[CgroupLimit]{}},
		// The root of a cgroup namespace has a limit's files, the machine's has not.
		"the root of a container": {func(f map[string]string) {
			clear(f)
			f["7/cgroup"] = "0::/\n"
			group(f, "", "3000", "max", "1000", "0")
			f["fs/cgroup/cgroup.procs"] = "1\n7\n"
		}, opt.Of(CgroupLimit{"/", 3000, 2000}), opt.Val[CgroupLimit]{}},
	} {
		t.Run(name, func(t *testing.T) {
			room, err := cgroupTree(t, tree(test.change)).CgroupRoom(7)
			if err != nil || room.Max != test.max || room.High != test.high {
				t.Errorf("%+v, %v; want max %+v, high %+v", room, err, test.max, test.high)
			}
		})
	}
}

func TestCgroupRoomUnknown(t *testing.T) {
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
		if room, err := cgroupTree(t, files).CgroupRoom(7); err == nil {
			t.Errorf("%s: %+v without an error", name, room)
		}
	}
	if _, err := cgroupTree(t, nil).CgroupRoom(7); !errors.Is(err, ErrGone) {
		t.Errorf("no process: %v", err)
	}
}

func TestTaskRoom(t *testing.T) {
	base := map[string]string{
		"7/cgroup":               "8:pids:/redis\n4:memory:/\n0::/\n",
		"7/status":               "Uid:\t999\t999\t999\t999\nGid:\t999\t999\t999\t999\nThreads:\t5\n",
		"8/status":               "Uid:\t999\t999\t999\t999\nGid:\t999\t999\t999\t999\nThreads:\t40\n",
		"9/status":               "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nThreads:\t155\n",
		"7/limits":               limitsFile("4096"),
		"loadavg":                "0.20 0.10 0.05 3/200 999\n",
		"sys/kernel/threads-max": "190000\n",
		"sys/kernel/pid_max":     "32768\n",
	}
	pids := func(dir, limit, current string) map[string]string {
		return map[string]string{"fs/cgroup/pids" + dir + "/pids.max": limit + "\n", "fs/cgroup/pids" + dir + "/pids.current": current + "\n", "fs/cgroup/pids/redis/cgroup.procs": "7\n"}
	}
	for name, test := range map[string]struct {
		change map[string]string
		want   TaskRoom
	}{
		"the user's limit, by all of the machine's threads": {nil, TaskRoom{"RLIMIT_NPROC", 3896}},
		"the user's limit, by its own threads":              {map[string]string{"7/limits": limitsFile("100")}, TaskRoom{"RLIMIT_NPROC", 55}},
		"the user's limit, exceeded":                        {map[string]string{"7/limits": limitsFile("44")}, TaskRoom{"RLIMIT_NPROC", -1}},
		"root is exempt": {
			map[string]string{"7/limits": limitsFile("44"), "7/status": "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nThreads:\t5\n"},
			TaskRoom{"kernel.pid_max", 32268},
		},
		"unlimited":            {map[string]string{"7/limits": limitsFile("unlimited")}, TaskRoom{"kernel.pid_max", 32268}},
		"threads-max":          {map[string]string{"sys/kernel/threads-max": "203\n"}, TaskRoom{"kernel.threads-max", 3}},
		"pids.max, v1":         {pids("/redis", "12", "10"), TaskRoom{"pids.max", 2}},
		"pids.max of a parent": {merge(pids("/redis", "max", "10"), pids("", "20", "20")), TaskRoom{"pids.max", 0}},
		"pids.max, v2": {map[string]string{
			"7/cgroup": "0::/redis\n", "fs/cgroup/redis/cgroup.procs": "7\n", "fs/cgroup/redis/pids.max": "30\n", "fs/cgroup/redis/pids.current": "10\n",
		}, TaskRoom{"pids.max", 20}},
		"pids.max of somebody else": {map[string]string{
			"7/cgroup": "0::/redis\n", "fs/cgroup/redis/cgroup.procs": "8\n", "fs/cgroup/redis/pids.max": "30\n", "fs/cgroup/redis/pids.current": "10\n",
		}, TaskRoom{"RLIMIT_NPROC", 3896}},
		"only pids.max can be read": {merge(pids("/redis", "12", "10"), map[string]string{"loadavg": ""}), TaskRoom{"pids.max", 2}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := cgroupTree(t, merge(base, test.change)).TaskRoom(7)
			if err != nil || got != test.want {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
	if got, err := cgroupTree(t, nil).TaskRoom(7); !errors.Is(err, errNoTaskLimit) {
		t.Errorf("nothing to read: %+v, %v", got, err)
	}
	if got, err := realFS(t).TaskRoom(os.Getpid()); err != nil || got.Left < 1 {
		t.Errorf("this machine: %+v, %v", got, err)
	}
}

func merge(trees ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range trees {
		maps.Copy(out, m)
	}
	return out
}

// limitsFile is /proc/PID/limits with a limit on the user's processes.
func limitsFile(processes string) string {
	line := "%-25s %-20s %-20s %-10s\n"
	return fmt.Sprintf(line, "Limit", "Soft Limit", "Hard Limit", "Units") +
		fmt.Sprintf(line, "Max cpu time", "unlimited", "unlimited", "seconds") +
		fmt.Sprintf(line, "Max processes", processes, "100000", "processes")
}
