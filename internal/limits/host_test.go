package limits

import (
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
	if _, err := fs.overcommitMode(); err == nil {
		t.Error("no file: no error")
	}
	for text, want := range map[string]int{"0\n": 0, "1\n": 1, "2\n": 2} {
		write(t, file, text)
		if got, err := fs.overcommitMode(); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	write(t, file, "many\n")
	if got, err := fs.overcommitMode(); err == nil {
		t.Errorf("a word: %d", got)
	}
	if mode, err := realFS().overcommitMode(); err != nil || mode < 0 || mode > 2 {
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
