package limits

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"testing"
)

func TestTaskLimit(t *testing.T) {
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
		want   TaskLimit
	}{
		"the user's limit, by all of the machine's threads": {nil, TaskLimit{"RLIMIT_NPROC", 3896}},
		"the user's limit, by its own threads":              {map[string]string{"7/limits": limitsFile("100")}, TaskLimit{"RLIMIT_NPROC", 55}},
		"the user's limit, exceeded":                        {map[string]string{"7/limits": limitsFile("44")}, TaskLimit{"RLIMIT_NPROC", -1}},
		"root is exempt": {
			map[string]string{"7/limits": limitsFile("44"), "7/status": "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nThreads:\t5\n"},
			TaskLimit{"kernel.pid_max", 32268},
		},
		"unlimited":            {map[string]string{"7/limits": limitsFile("unlimited")}, TaskLimit{"kernel.pid_max", 32268}},
		"threads-max":          {map[string]string{"sys/kernel/threads-max": "203\n"}, TaskLimit{"kernel.threads-max", 3}},
		"pids.max, v1":         {pids("/redis", "12", "10"), TaskLimit{"pids.max", 2}},
		"pids.max of a parent": {merge(pids("/redis", "max", "10"), pids("", "20", "20")), TaskLimit{"pids.max", 0}},
		"pids.max, v2": {map[string]string{
			"7/cgroup": "0::/redis\n", "fs/cgroup/redis/cgroup.procs": "7\n", "fs/cgroup/redis/pids.max": "30\n", "fs/cgroup/redis/pids.current": "10\n",
		}, TaskLimit{"pids.max", 20}},
		"pids.max of somebody else": {map[string]string{
			"7/cgroup": "0::/redis\n", "fs/cgroup/redis/cgroup.procs": "8\n", "fs/cgroup/redis/pids.max": "30\n", "fs/cgroup/redis/pids.current": "10\n",
		}, TaskLimit{"RLIMIT_NPROC", 3896}},
		"only pids.max can be read": {merge(pids("/redis", "12", "10"), map[string]string{"loadavg": ""}), TaskLimit{"pids.max", 2}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := cgroupTree(t, merge(base, test.change)).taskLimit(7)
			if err != nil || got != test.want {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
	if got, err := cgroupTree(t, nil).taskLimit(7); !errors.Is(err, errNoTaskLimit) {
		t.Errorf("nothing to read: %+v, %v", got, err)
	}
	if got, err := realFS().taskLimit(os.Getpid()); err != nil || got.Left < 1 {
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
