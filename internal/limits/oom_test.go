package limits

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

func TestOOMScoreAdj(t *testing.T) {
	for text, want := range map[string]int{"0\n": 0, "800\n": 800, "-1000\n": -1000, "1000\n": 1000} {
		got, err := cgroupTree(t, map[string]string{"7/oom_score_adj": text}).OOMScoreAdj(7)
		if err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "\n", "x\n", "1001\n", "-1001\n", "1 2\n"} {
		if got, err := cgroupTree(t, map[string]string{"7/oom_score_adj": text}).OOMScoreAdj(7); err == nil {
			t.Errorf("%q: %d and no error", text, got)
		}
	}
	if _, err := cgroupTree(t, nil).OOMScoreAdj(7); !errors.Is(err, proc.ErrGone) {
		t.Errorf("no process: %v", err)
	}
}

func TestOOMGroup(t *testing.T) {
	tree := func(own, above string) map[string]string {
		return map[string]string{
			"7/cgroup":                              "0::/pods/redis\n",
			"fs/cgroup/cgroup.procs":                "1\n",
			"fs/cgroup/pods/cgroup.procs":           "",
			"fs/cgroup/pods/memory.oom.group":       above,
			"fs/cgroup/pods/redis/memory.oom.group": own,
			"fs/cgroup/pods/redis/memory.stat":      "anon 1\nanon_thp 0\n",
			"fs/cgroup/pods/redis/cgroup.procs":     "7\n",
		}
	}
	for _, test := range []struct{ own, above, want string }{
		{"0\n", "0\n", ""},
		{"1\n", "0\n", "/pods/redis"},
		{"0\n", "1\n", "/pods"},
		{"1\n", "1\n", "/pods"}, // the topmost goes as a whole
	} {
		got, err := cgroupTree(t, tree(test.own, test.above)).OOMGroup(7)
		if err != nil || got != test.want {
			t.Errorf("own %q, above %q: %q, %v; want %q", test.own, test.above, got, err, test.want)
		}
	}
	v1 := map[string]string{
		"7/cgroup": "4:memory:/redis\n", "fs/cgroup/memory/redis/memory.stat": "rss 1\nrss_huge 0\n", "fs/cgroup/memory/redis/cgroup.procs": "7\n",
	}
	if got, err := cgroupTree(t, v1).OOMGroup(7); err != nil || got != "" {
		t.Errorf("version 1 has no such thing: %q, %v", got, err)
	}
	if _, err := cgroupTree(t, map[string]string{"7/cgroup": "0::/elsewhere\n"}).OOMGroup(7); err == nil {
		t.Error("a cgroup that can't be seen is taken for one without")
	}
	if _, err := cgroupTree(t, tree("x\n", "0\n")).OOMGroup(7); err == nil {
		t.Error("rubbish is taken for no")
	}
}

const (
	v1Control = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"
	v2Events  = "low 0\nhigh 8\nmax 9\noom 5\noom_kill 4\noom_group_kill 1\n"
)

func TestOOMKills(t *testing.T) {
	fixture, err := os.ReadFile("testdata/cgroup-v1")
	if err != nil {
		t.Fatal(err)
	}
	recorded := string(fixture) // memory in v1, and an empty v2 hierarchy beside it
	tests := map[string]struct {
		cgroup string            // of the process
		files  map[string]string // under sys/fs/cgroup
		want   uint64
	}{
		"v1":                          {recorded, map[string]string{"memory/system.slice/redis-server.service/memory.oom_control": v1Control}, 3},
		"v1, not the only controller": {"4:cpu,memory,pids:/a\n", map[string]string{"memory/a/memory.oom_control": v1Control}, 3},
		"v1, before Linux 4.13": {recorded, map[string]string{
			"memory/system.slice/redis-server.service/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n",
		}, 100},
		"v2":            {"0::/system.slice/redis.service\n", map[string]string{"system.slice/redis.service/memory.events": v2Events}, 4},
		"v2, root":      {"0::/\n", map[string]string{"memory.stat": "anon 1\n"}, 100},
		"v2, colon":     {"0::/a:b\n", map[string]string{"a:b/memory.events": v2Events}, 4},
		"hybrid":        {recorded, map[string]string{"unified/memory.events": v2Events, "memory/system.slice/redis-server.service/memory.oom_control": v1Control}, 3},
		"not our mount": {"0::/../../other\n", nil, 100},
		"no number":     {"0::/a\n", map[string]string{"a/memory.events": "oom_kill many\n"}, 100},
		"other memory":  {"4:memory-like:/a\n", map[string]string{"memory/a/memory.oom_control": v1Control}, 100},
		"none":          {"", nil, 100},
		"garbage":       {"what\n\n", nil, 100},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fs := hostFS(t)
			write(t, fs.path(7, "cgroup"), test.cgroup)
			for file, text := range test.files {
				write(t, filepath.Join(fs.sys, "fs", "cgroup", file), text)
			}
			if got, err := oomKills(fs, 7); err != nil || got != test.want {
				t.Errorf("%d, %v; want %d", got, err, test.want)
			}
		})
	}
}

func TestOOMKillsNowhere(t *testing.T) {
	fs := hostFS(t)
	if n, err := oomKills(fs, 7); !errors.Is(err, proc.ErrGone) {
		t.Errorf("a process that is gone: %d, %v", n, err) // the host's count is not comparable
	}
	write(t, fs.path(7, "cgroup"), "")
	write(t, filepath.Join(fs.proc, "vmstat"), "nr_free_pages 5\n") // before Linux 4.13
	if n, err := oomKills(fs, 7); err == nil {
		t.Errorf("%d", n)
	}
	if err := os.Remove(filepath.Join(fs.proc, "vmstat")); err != nil {
		t.Fatal(err)
	}
	if n, err := oomKills(fs, 7); err == nil {
		t.Errorf("%d", n)
	}
	if _, err := oomKills(realFS(), os.Getpid()); err != nil {
		t.Errorf("this machine: %v", err)
	}
}

func oomKills(fs FS, pid int) (uint64, error) {
	read, err := fs.OOMCounter(pid)
	if err != nil {
		return 0, err
	}
	return read()
}

// A cgroup that goes with its server is no reason to take the host's count for a rise.
func TestOOMCounterStaysWithItsFile(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"self/stat":                     "",
		"7/cgroup":                      "0::/redis\n",
		"vmstat":                        "oom_kill 5\n",
		"fs/cgroup/redis/memory.events": "oom_kill 0\n",
	} {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read, err := FS{proc: dir, sys: dir}.OOMCounter(7)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := read(); err != nil || n != 0 {
		t.Fatalf("%d, %v", n, err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "fs")); err != nil {
		t.Fatal(err)
	}
	if n, err := read(); err == nil {
		t.Errorf("the cgroup is gone, but the counter reads %d", n)
	}
}
