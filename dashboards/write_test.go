package dashboards_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/dashboards"
)

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "directory")
	first, err := dashboards.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{instanceFile, fleetFile, alertsFile, limitsFile, "redis-fork-inhibit.yaml"} {
		if !slices.Contains(first, name) {
			t.Errorf("%s is not among the files written, %q", name, first)
		}
	}
	for _, name := range first {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the repository has (%v)", name, err)
		}
	}

	// An update replaces what is ours and leaves what is the operator's.
	const mine = "# mine"
	for _, name := range []string{limitsFile, alertsFile} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(mine), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	second, err := dashboards.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := slices.DeleteFunc(slices.Clone(first), func(n string) bool { return n == limitsFile }); !slices.Equal(second, want) {
		t.Errorf("the second time %q were written, want %q", second, want)
	}
	if got, err := os.ReadFile(filepath.Join(dir, limitsFile)); err != nil || string(got) != mine {
		t.Errorf("the operator's limits are now %q (%v)", got, err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, alertsFile)); err != nil || string(got) == mine {
		t.Errorf("old alerts are still there (%v)", err)
	}
}

func TestWriteSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dashboards.Write(file); err == nil {
		t.Error("a directory that is a file is no error")
	}
}
