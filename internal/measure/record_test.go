package measure

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/forktest"
)

func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestOutput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fork.json")
	for _, f := range forktest.All(now) { // the second replaces the first
		out, err := newOutput(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := out.write(f); err != nil {
			t.Fatal(err)
		}
		out.discard()
		got, err := read(path)
		if err != nil {
			t.Fatal(err)
		}
		values := cmp.Comparer(func(a, b opt.Val[uint64]) bool { return a == b })
		if diff := cmp.Diff(f.Curve, got.Curve, values); diff != "" || got.ID != f.ID || got.CopiedBytes != f.CopiedBytes || got.Tail != f.Tail {
			t.Errorf("%s came back as %s; curve (-want +got):\n%s", f.ID, got.ID, diff)
		}
		if a, b := Report(f, now, 80, false), Report(got, now, 80, false); a != b {
			t.Errorf("another report (-before +after):\n%s", cmp.Diff(a, b))
		}
	}
	if got := entries(t, filepath.Dir(path)); !cmp.Equal(got, []string{"fork.json"}) {
		t.Errorf("left behind: %q", got)
	}
}

// A measurement that comes to nothing leaves the old file, and no other.
func TestOutputDiscarded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fork.json")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := newOutput(path)
	if err != nil {
		t.Fatal(err)
	}
	out.discard()
	if b, err := os.ReadFile(path); err != nil || string(b) != "old" {
		t.Errorf("%q, %v", b, err)
	}
	if got := entries(t, filepath.Dir(path)); !cmp.Equal(got, []string{"fork.json"}) {
		t.Errorf("left behind: %q", got)
	}
	if _, err := newOutput(filepath.Join(t.TempDir(), "no", "such", "dir.json")); err == nil {
		t.Error("a directory that does not exist is found out at the end only")
	}
	if out, err := newOutput(""); err != nil || out.write(fork.Record{}) != nil {
		t.Error("no output is no error")
	}
}

func TestRead(t *testing.T) {
	const one = `{"id":"1700000000000-7","server":"s","kind":"rdb","start":"2026-03-04T05:06:07Z","curve":[]}`
	for _, test := range []struct{ text, want string }{
		{one, ""},
		{`{"forks":[` + one + `]}`, ""},
		{`{"forks":[` + one + `,` + one + `]}`, "holds 2 forks"},
		{`{"forks":[]}`, "no record of a fork"},
		{`{}`, "no record of a fork"},
		{`[]`, "no record of a fork"},
		{`{"error":"no such fork"}`, "no record of a fork"},
		{``, "no record of a fork"},
		{`{"id":"1-7"}`, "no start"},
	} {
		path := filepath.Join(t.TempDir(), "f.json")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := read(path)
		switch {
		case test.want == "" && (err != nil || f.ID != "1700000000000-7"):
			t.Errorf("%s: %v, %v", test.text, f.ID, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.text, err, test.want)
		}
	}
}
