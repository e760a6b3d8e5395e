package taskstats

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func TestDelayAccounting(t *testing.T) {
	procfs := t.TempDir()
	if _, err := DelayAccounting(procfs); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the file: %v", err)
	}
	path := filepath.Join(procfs, "sys/kernel/task_delayacct")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		text      string
		on, fails bool
	}{
		{"0\n", false, false},
		{"1\n", true, false},
		{"", false, true},
		{"2\n", false, true},
	} {
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		on, err := DelayAccounting(procfs)
		if on != tt.on || (err != nil) != tt.fails {
			t.Errorf("%q: %v, %v", tt.text, on, err)
		}
	}
}

func TestAccounted(t *testing.T) {
	for _, tt := range []struct {
		what         string
		first, later uint64
		faults       int64
		want         opt.Val[bool]
	}{
		{"a count from the start", 3, 3, 0, opt.Of(true)},
		{"a count later", 0, 9, 5000, opt.Of(true)},
		{"the tail: faults without copies", 3, 3, 100_000, opt.Of(true)},
		{"nothing happened", 0, 0, 0, opt.Val[bool]{}},
		{"not enough happened", 0, 0, 1000, opt.Val[bool]{}},
		{"the server grew by more than it faulted", 0, 0, -5, opt.Val[bool]{}},
		{"many faults, no copy", 0, 0, 1001, opt.Of(false)},
	} {
		if got := Accounted(Stats{CopyCount: tt.first}, Stats{CopyCount: tt.later}, tt.faults); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.what, got, tt.want)
		}
	}
}
