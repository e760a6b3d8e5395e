package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDashboards(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if status := run([]string{"dashboards", "--output=" + dir}); status != 0 {
		t.Fatalf("status %d", status)
	}
	if _, err := os.Stat(filepath.Join(dir, "redis-fork-instance.json")); err != nil {
		t.Error(err)
	}
	for _, args := range [][]string{{"dashboards"}, {"dashboards", "--nothing"}} {
		if status := run(args); status != 2 {
			t.Errorf("%q: status %d, want 2", args, status)
		}
	}
	if status := run([]string{"dashboards", "--output=" + filepath.Join(dir, "redis-fork-instance.json")}); status != 1 {
		t.Errorf("a file as the directory: status %d, want 1", status)
	}
}
