package proc

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// This process's own directory, through the real procfs.
func TestDisk(t *testing.T) {
	fs, err := NewFS("/proc")
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
