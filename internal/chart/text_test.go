package chart_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/chart"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/forktest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/golden"
)

func TestText(t *testing.T) {
	empty := forktest.Saved(now)
	empty.Curve, empty.CopiedCurve, empty.Reported = nil, nil, nil
	empty.PeakBytes, empty.CopiedBytes, empty.ReportedCOWBytes, empty.ResidentBytes = opt.Val[uint64]{}, opt.Val[uint64]{}, opt.Val[uint64]{}, opt.Val[uint64]{}
	for _, test := range []struct {
		name  string
		fork  fork.Record
		width int
		color bool
	}{
		{"saved", forktest.Saved(now), 80, false},
		{"saved-wide", forktest.Saved(now), 120, false},
		{"saved-color", forktest.Saved(now), 80, true},
		{"running", forktest.Running(now), 80, false},
		{"killed", forktest.Killed(now), 80, false},
		{"partial", forktest.Partial(now), 80, false},
		{"aof", forktest.AOF(now), 80, false},
		{"nothing", empty, 80, false},
		{"narrow", forktest.Cancelled(now), 10, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := chart.Text(test.fork, now, test.width, test.color)
			golden.Check(t, filepath.Join("text", test.name+".txt"), got)
		})
	}
}

// Colors are all that a colored picture has more, and no line is too wide.
func TestTextColor(t *testing.T) {
	escapes := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for name, f := range cases() {
		for _, width := range []int{40, 80, 131, 132, 500} {
			plain, colored := chart.Text(f, now, width, false), chart.Text(f, now, width, true)
			if got := escapes.ReplaceAllString(colored, ""); got != plain {
				t.Errorf("%s at %d: without its colors it is another picture:\n%s\n%s", name, width, plain, got)
			}
			if strings.Contains(plain, "\x1b") || !strings.Contains(colored, "\x1b") {
				t.Errorf("%s at %d: colors where there should be none, or the reverse", name, width)
			}
			for line := range strings.Lines(colored) {
				if n := len([]rune(escapes.ReplaceAllString(strings.TrimRight(line, "\n"), ""))); n > width-1 {
					t.Errorf("%s: a line of %d columns at %d", name, n, width)
				}
				if trimmed := strings.TrimRight(line, "\n"); strings.Count(trimmed, "\x1b[0m") != strings.Count(trimmed, "\x1b[")/2 {
					t.Errorf("%s: a color runs over the line's end: %q", name, line)
				}
			}
		}
	}
}

// The curve is where its figures say: the highest point in the top row of its
// share, the last one in the last column.
func TestTextPlacesPoints(t *testing.T) {
	f := fork.Record{
		Kind: fork.KindRDB, Outcome: fork.OutcomeOK, LifetimeSeconds: opt.Of(10.0), Start: now,
		Curve: []fork.Point{{Seconds: 0, PrivateDirty: 0}, {Seconds: 5, PrivateDirty: 0}, {Seconds: 5, PrivateDirty: 100e6}, {Seconds: 10, PrivateDirty: 100e6}},
	}
	lines := strings.Split(chart.Text(f, now, 80, false), "\n")
	columns := func(row string) (first, last int) {
		first = -1
		for i, r := range []rune(row) {
			if r > 0x2800 && r < 0x2900 {
				if first < 0 {
					first = i
				}
				last = i
			}
		}
		return first, last
	}
	from, end := columns(lines[1])
	left, mid := columns(lines[14])
	if middle := left + (end-left+1)/2; from < middle-1 || from > middle+1 || mid < middle-1 || mid > middle+1 {
		t.Errorf("the step is at %d above and at %d below, want %d, the middle of %d to %d:\n%s", from, mid, middle, left, end, strings.Join(lines, "\n"))
	}
}
