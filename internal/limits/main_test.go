package limits

import (
	"os"
	"path/filepath"
	"testing"
)

func realFS() FS { return NewFS("/proc", "/sys") }

// write writes a file and the directories it is in.
func write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
