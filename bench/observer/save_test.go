package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
)

// testBench is a bench without an exporter.
func testBench(t *testing.T) *bench {
	t.Helper()
	fs, err := proc.NewFS("/proc")
	if err != nil {
		t.Fatal(err)
	}
	return &bench{fs: fs, dir: t.TempDir(), Progress: rig.NewProgress(io.Discard)}
}

// testHost starts a server whose saves take a second or so.
func testHost(t *testing.T, b *bench) *host {
	t.Helper()
	testutil.Real(t, "redis-server")
	h, err := b.start(t.Context(), "test", true, "--rdb-key-save-delay", "1000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.stop(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(h.dir); !os.IsNotExist(err) {
			t.Errorf("the server's directory is left: %v", err)
		}
		if h.Group != nil {
			if _, err := os.Stat(h.Group.Dir()); !os.IsNotExist(err) {
				t.Errorf("the server's cgroup is left: %v", err)
			}
		}
	})
	if _, err := b.fill(t.Context(), h, 500, 100); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestWatchSave(t *testing.T) {
	b := testBench(t)
	h := testHost(t, b)
	w := &smapsLoop{}
	s, err := b.watchSave(t.Context(), h, w)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	if s.answered.Before(s.sent) || s.seconds() < 0.5 { // 500 keys, at least 1 ms each
		t.Errorf("sent %s, answered %s, died %s", s.sent, s.answered, s.died)
	}
	if s.observerRan <= 0 {
		t.Error("the loop that read the child's smaps has used no CPU time")
	}
	if s.serverWaited < 0 || s.childWaited <= 0 {
		t.Errorf("server waited %s, child %s", s.serverWaited, s.childWaited)
	}
}

func TestWatchSaveEndsWithItsContext(t *testing.T) {
	b := testBench(t)
	h := testHost(t, b)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := b.watchSave(ctx, h, nobody{}); err == nil {
		t.Error("no error")
	}
}

func TestFailedSave(t *testing.T) {
	b := testBench(t)
	h := testHost(t, b)
	// Where the dump should go, which stops root too.
	if err := os.Mkdir(filepath.Join(h.dir, "dump.rdb"), 0o755); err != nil {
		t.Fatal(err)
	}
	if s, err := b.watchSave(t.Context(), h, nobody{}); err == nil {
		t.Errorf("a failed save is taken for %+v", s)
	}
}
