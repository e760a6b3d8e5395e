package proc

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func hostFS(t *testing.T) FS {
	t.Helper()
	fs := FS{proc: t.TempDir(), sys: t.TempDir()}
	write(t, filepath.Join(fs.proc, "vmstat"), "nr_free_pages 5\noom_kill 100\nnuma_hit 7\n")
	return fs
}

func TestOvercommitMode(t *testing.T) {
	fs := hostFS(t)
	file := filepath.Join(fs.proc, "sys", "vm", "overcommit_memory")
	if _, err := fs.OvercommitMode(); err == nil {
		t.Error("no file: no error")
	}
	for text, want := range map[string]int{"0\n": 0, "1\n": 1, "2\n": 2} {
		write(t, file, text)
		if got, err := fs.OvercommitMode(); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	write(t, file, "many\n")
	if got, err := fs.OvercommitMode(); err == nil {
		t.Errorf("a word: %d", got)
	}
	if mode, err := realFS(t).OvercommitMode(); err != nil || mode < 0 || mode > 2 {
		t.Errorf("this machine: %d, %v", mode, err)
	}
}

func TestHugePages(t *testing.T) {
	fs := hostFS(t)
	file := filepath.Join(fs.sys, "kernel", "mm", "transparent_hugepage", "enabled")
	if _, err := fs.HugePages(); err == nil {
		t.Error("no file: no error")
	}
	for text, want := range map[string]string{
		"[always] madvise never\n": "always", "always [madvise] never\n": "madvise", "always madvise [never]\n": "never",
	} {
		write(t, file, text)
		if got, err := fs.HugePages(); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "always madvise never\n", "always [madvise\n"} {
		write(t, file, text)
		if got, err := fs.HugePages(); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestCPUs(t *testing.T) {
	fs := hostFS(t)
	file := filepath.Join(fs.sys, "devices", "system", "cpu", "possible")
	if _, err := fs.CPUs(); err == nil {
		t.Error("no file: no error")
	}
	for text, want := range map[string]int{"0\n": 1, "0-1\n": 2, "0-3,8-127\n": 128, "0,2\n": 3} {
		write(t, file, text)
		if got, err := fs.CPUs(); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	write(t, file, "-\n")
	if got, err := fs.CPUs(); err == nil {
		t.Errorf("no number: %d", got)
	}
}

const (
	v1Control = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"
	v2Events  = "low 0\nhigh 8\nmax 9\noom 5\noom_kill 4\noom_group_kill 1\n"
)

func TestOOMKills(t *testing.T) {
	recorded := string(fixture(t, "cgroup/v1")) // memory in v1, and an empty v2 hierarchy beside it
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
	if n, err := oomKills(fs, 7); !errors.Is(err, ErrGone) {
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
	if _, err := oomKills(realFS(t), os.Getpid()); err != nil {
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
