package limits

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// cgroupTree is a machine with one process, 7, in a memory cgroup.
func cgroupTree(t *testing.T, files map[string]string) FS {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return FS{proc: dir, sys: dir}
}

func TestMemoryCgroup(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  uint64
		err   error
	}{
		"v2": {
			files: map[string]string{
				"7/cgroup":                             "0::/redis.service\n",
				"fs/cgroup/redis.service/memory.stat":  "anon 1234\nfile 99\nanon_thp 5\n",
				"fs/cgroup/redis.service/cgroup.procs": "7\n8\n",
			},
			want: 1234,
		},
		"v1, with an empty v2 beside it": {
			files: map[string]string{
				"7/cgroup":                            "4:memory:/redis\n3:cpu,cpuacct:/other\n0::/\n",
				"fs/cgroup/memory/redis/memory.stat":  "cache 1\nrss 4321\nrss_huge 7\ntotal_rss 9999\n",
				"fs/cgroup/memory/redis/cgroup.procs": "7\n",
				"fs/cgroup/memory.stat":               "",
			},
			want: 4321,
		},
		"a path of another cgroup namespace leads to somebody else's": {
			files: map[string]string{
				"7/cgroup":               "0::/\n",
				"fs/cgroup/memory.stat":  "anon 1234\n",
				"fs/cgroup/cgroup.procs": "1\n2\n",
			},
			err: errNoCgroup,
		},
		"no cgroups mounted": {
			files: map[string]string{"7/cgroup": "0::/redis.service\n"},
			err:   errNoCgroup,
		},
		"cut short": {
			files: map[string]string{
				"7/cgroup":               "0::/\n",
				"fs/cgroup/memory.stat":  "file 99\nanon 12",
				"fs/cgroup/cgroup.procs": "7\n",
			},
			err: errNoCgroup,
		},
		"no process": {err: proc.ErrGone},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := cgroupTree(t, test.files).MemoryCgroup(7)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if err != nil {
				return
			}
			if got, err := c.Anonymous(); err != nil || got != test.want {
				t.Errorf("anonymous memory %d, %v; want %d", got, err, test.want)
			}
			c.Close()
			if _, err := c.Anonymous(); !errors.Is(err, proc.ErrGone) {
				t.Errorf("after Close: %v", err)
			}
		})
	}
}
