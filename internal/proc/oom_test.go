package proc

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
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
	if _, err := cgroupTree(t, nil).OOMScoreAdj(7); !errors.Is(err, ErrGone) {
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

func TestHugePagesAllowed(t *testing.T) {
	for text, want := range map[string]opt.Val[bool]{
		"Name:\tredis-server\nTHP_enabled:\t1\nThreads:\t5\n": opt.Of(true),
		"Name:\tredis-server\nTHP_enabled:\t0\nThreads:\t5\n": opt.Of(false),
		"Name:\tredis-server\nThreads:\t5\n":                  {}, // before Linux 5.0
	} {
		got, err := cgroupTree(t, map[string]string{"7/status": text}).HugePagesAllowed(7)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	if _, err := cgroupTree(t, map[string]string{"7/status": "THP_enabled:\tx\n"}).HugePagesAllowed(7); err == nil {
		t.Error("rubbish is no error")
	}
}

// This process's own directory, through the real procfs.
func TestDisk(t *testing.T) {
	fs, err := NewFS("/proc", "/sys")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile(filepath.Join(dir, "dump.rdb"), make([]byte, 4321), 0o600); err != nil {
		t.Fatal(err)
	}
	disk, err := fs.Disk(os.Getpid())
	if err != nil || disk.Path != dir || disk.Free == 0 {
		t.Errorf("%+v, %v; want %s", disk, err, dir)
	}
	if got, err := fs.FileSize(os.Getpid(), "dump.rdb"); err != nil || got != opt.Of(uint64(4321)) {
		t.Errorf("size %v, %v", got, err)
	}
	if got, err := fs.FileSize(os.Getpid(), "none.rdb"); err != nil || got.Present() {
		t.Errorf("a file that is not there: %v, %v", got, err)
	}
	for _, name := range []string{"", "../etc/passwd", "/etc/passwd", "a/b"} {
		if _, err := fs.FileSize(os.Getpid(), name); err == nil {
			t.Errorf("%q leads out of the directory", name)
		}
	}
	if _, err := fs.Disk(1 << 30); !errors.Is(err, ErrGone) {
		t.Errorf("no process: %v", err)
	}
}
