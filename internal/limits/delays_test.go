package limits

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestDelayAccounting(t *testing.T) {
	procfs := t.TempDir()
	if _, err := NewFS(procfs, "").DelayAccounting(); !errors.Is(err, fs.ErrNotExist) {
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
		on, err := NewFS(procfs, "").DelayAccounting()
		if on != tt.on || (err != nil) != tt.fails {
			t.Errorf("%q: %v, %v", tt.text, on, err)
		}
	}
}
