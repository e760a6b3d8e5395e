package measure

import (
	"strings"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/forktest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// saving is a state in which a child has written some of the keys.
func saving(f *fork.Record, processed, total uint64, at time.Time) track.State {
	return track.State{
		Info:     &redisinfo.Info{SaveKeysProcessed: opt.Of(processed), SaveKeysTotal: opt.Of(total)},
		InfoAt:   at,
		Children: []track.Child{{Start: f.Start}},
	}
}

func TestLine(t *testing.T) {
	f := forktest.Running(now) // for 12.3 s
	half := saving(&f, 500, 1000, now.Add(-300*time.Millisecond))
	early := saving(&f, 10, 1000, now)
	stale := saving(&f, 500, 1000, f.Start.Add(-time.Second))
	other := half
	other.Children = append(other.Children, track.Child{})
	blind := f
	blind.Curve, blind.CopiedBytes = nil, opt.Val[uint64]{}
	copies := f
	copies.Curve, copies.CopiedBytes = nil, opt.Of(uint64(5_000_000))
	for _, test := range []struct {
		name  string
		fork  fork.Record
		state track.State
		width int
		want  string
	}{
		{"wide", f, half, 117, "RDB save  ███████████████░░░░░░░░░░░░░░░  50 %   12.3 s   private dirty 933 MB   +53.0 MB/s   about 12 s left"},
		{"80 columns", f, half, 77, "RDB save  █████░░░░░  50 %   12.3 s   private dirty 933 MB   +53.0 MB/s"},
		{"narrow", f, half, 60, "RDB save  █████░░░░░  50 %   12.3 s   private dirty 933 MB"},
		{"very narrow", f, half, 20, "RDB save  █████░░░░░  50 %   12.3 s"},
		{"too early to tell", f, early, 117, "RDB save  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   1 %   12.3 s   private dirty 933 MB   +53.0 MB/s"},
		{"INFO from before the birth", f, stale, 117, "RDB save  12.3 s   private dirty 933 MB   +53.0 MB/s"},
		{"two children: whose keys?", f, other, 117, "RDB save  12.3 s   private dirty 933 MB   +53.0 MB/s"},
		{"no INFO", f, track.State{}, 117, "RDB save  12.3 s   private dirty 933 MB   +53.0 MB/s"},
		{"nothing to read", blind, half, 117, "RDB save  ███████████████░░░░░░░░░░░░░░░  50 %   12.3 s   about 12 s left"},
		{"copies only", copies, track.State{}, 117, "RDB save  12.3 s   copied 5.00 MB"},
	} {
		p := progressOf(&test.fork, &test.state, now)
		if got := p.line(test.width); got != test.want {
			t.Errorf("%s:\n got %q\nwant %q", test.name, got, test.want)
		}
	}
	p := progressOf(&f, &half, now)
	if got, want := p.plain(), "RDB save: 50 %, 12.3 s, private dirty 933 MB, +53.0 MB/s, about 12 s left"; got != want {
		t.Errorf("plain: %q, want %q", got, want)
	}
}

// The line keeps its shape while its figures grow.
func TestLineDoesNotJump(t *testing.T) {
	f := forktest.Running(now)
	at := -1
	for s := 1.0; s < 59; s += 0.7 {
		then := f.Start.Add(time.Duration(s * float64(time.Second)))
		st := saving(&f, uint64(s*10), 600, then)
		p := progressOf(&f, &st, then)
		line := p.line(77)
		before, _, ok := strings.Cut(line, "private dirty")
		if !ok || at >= 0 && columns(before) != at {
			t.Fatalf("%q: the figures stand at %d, before at %d", line, columns(before), at)
		}
		at = columns(before)
	}
}

func TestRate(t *testing.T) {
	curve := func(points ...fork.Point) []fork.Point { return points }
	p := func(t float64, b uint64) fork.Point { return fork.Point{Seconds: t, PrivateDirty: b} }
	for _, test := range []struct {
		curve []fork.Point
		want  opt.Val[float64]
	}{
		{curve(p(1, 5)), opt.Val[float64]{}},
		{curve(p(1, 5), p(1.1, 9)), opt.Val[float64]{}}, // too short to tell
		{curve(p(1, 0), p(2, 100)), opt.Of(100.0)},
		{curve(p(0, 0), p(8, 0), p(9, 100), p(10, 200)), opt.Of(100.0)}, // of late
		{curve(p(0, 200), p(2, 100)), opt.Of(-50.0)},
	} {
		if got := rate(test.curve); got != test.want {
			t.Errorf("%v: %v, want %v", test.curve, got, test.want)
		}
	}
	f := fork.Record{Start: now.Add(-2 * time.Second), Curve: curve(p(0, 200e6), p(2, 100e6))}
	shrinking := progressOf(&f, &track.State{}, now)
	if got := shrinking.line(80); !strings.Contains(got, "−50.0 MB/s") {
		t.Errorf("%q: the child gives memory back", got)
	}
}
