//go:build !race

// The race detector makes allocations of its own.

package proc

import (
	"os"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

// watchSelf watches our own children, with the next look at threads far away.
func watchSelf(t testing.TB) *watchedProcess {
	t.Helper()
	fs := realFS(t)
	w := &watchedProcess{fs: fs, process: open(t, fs, os.Getpid()), notify: func([]int) {}}
	if err := w.findThreads(time.Now()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	w.readAll()
	return w
}

func TestNoAllocations(t *testing.T) {
	p := open(t, realFS(t), os.Getpid())
	stat, full, rollup := fixture(t, "stat/server"), fixture(t, "smaps/redis-7.2.smaps"), fixture(t, "smaps/redis-7.2.smaps_rollup")
	var s Stat
	var m Smaps
	w, now := watchSelf(t), time.Now()
	if _, err := p.Smaps(); err != nil { // makes the buffer
		t.Fatal(err)
	}
	for what, f := range map[string]func() error{
		"ParseStat":          func() error { return ParseStat(stat, &s) },
		"ParseSmaps":         func() error { return ParseSmaps(full, &m) },
		"ParseSmaps, rollup": func() error { return ParseSmaps(rollup, &m) },
		"Process.Stat":       func() error { _, err := p.Stat(); return err },
		"Process.Smaps":      func() error { _, err := p.Smaps(); return err },
		"poll":               func() error { w.pollLocked(now); return nil },
		"poll, all threads":  func() error { w.nextOthers = now; w.pollLocked(now); return nil },
	} {
		if n := testing.AllocsPerRun(50, func() {
			if err := f(); err != nil {
				t.Fatal(what, err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}

func BenchmarkPoll(b *testing.B) {
	w, now := watchSelf(b), time.Now()
	w.pollLocked(now)
	b.ReportAllocs()
	for b.Loop() {
		w.pollLocked(now)
	}
}

func BenchmarkProcessStat(b *testing.B) {
	// The kernel adds up over threads: a server has five, we have more.
	p := open(b, realFS(b), redistest.Start(b, redisrun.Options{Unix: true}).PID())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Stat(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProcessRunTime(b *testing.B) {
	p := open(b, realFS(b), redistest.Start(b, redisrun.Options{Unix: true}).PID())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.RunTime(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseSmapsRollup(b *testing.B) {
	text := fixture(b, "smaps/redis-7.2.smaps_rollup")
	var s Smaps
	b.ReportAllocs()
	for b.Loop() {
		if err := ParseSmaps(text, &s); err != nil {
			b.Fatal(err)
		}
	}
}
