package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// api answers like the exporter, with the forks of the moment.
func api(t *testing.T) (*narrator, *bytes.Buffer, func(...fork.Record)) {
	t.Helper()
	var forks atomic.Pointer[[]fork.Record]
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"forks": *forks.Load()})
	}))
	t.Cleanup(srv.Close)
	set := func(fs ...fork.Record) { forks.Store(&fs) }
	set()
	var out bytes.Buffer
	return &narrator{url: srv.URL, out: &out, told: map[string]bool{}}, &out, set
}

func saved() fork.Record {
	return fork.Record{
		ID: "1-2", Server: "demo", Kind: fork.KindRDB, Outcome: fork.OutcomeOK,
		Start: time.Now().Add(-11 * time.Second), LifetimeSeconds: opt.Of(10.0),
		StallSeconds: opt.Of(0.04), ResidentBytes: opt.Of(uint64(1 << 30)),
		Curve:     []fork.Point{{Seconds: 0.1, PrivateDirty: 1e6, Source: fork.SourceCgroup}, {Seconds: 9.9, PrivateDirty: 400e6, Source: fork.SourceChildSmaps}},
		PeakBytes: opt.Of(uint64(400e6)), CopiedBytes: opt.Of(uint64(380e6)), CopiedSource: fork.SourceTaskstats, ReportedCOWBytes: opt.Of(uint64(399e6)), CopyStallSeconds: opt.Of(1.25), CopyFaults: opt.Of(uint64(90_000)),
	}
}

func contains(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in\n%s", w, text)
		}
	}
}

// The tail ends after the fork was told, and is told then, once.
func TestTailIsToldWhenItEnds(t *testing.T) {
	n, out, set := api(t)
	f := saved()
	set(f)
	if _, err := n.tell(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	contains(t, out.String(),
		"RDB save: ok after 10.0 s", "stall          40.0 ms   (40.0 ms per GiB of the 1.07 GB resident)", "copying        1.25 s of the server's time   (125 ms per second, 31 × the stall)",
		"points by      cgroup 1, child_smaps 1\n", "copied         380 MB   (by delay accounting)\n", "server says    399 MB\n", "peak 400 MB, 37 % of the data", "tail           still going", "/forks/1-2")

	out.Reset()
	f.Tail = opt.Of(fork.Tail{Seconds: 8.3, Faults: 77, Truncated: true})
	next := saved()
	next.ID, next.CopyStallSeconds, next.CopyFaults = "2-3", opt.Val[float64]{}, opt.Val[uint64]{}
	set(next, f)
	if _, err := n.tell(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	contains(t, out.String(), "tail of the last RDB save: 8.30 s, cut off by the next fork   (77 write faults)\n", "copying        not known", "tail           not known")
	if err := n.pause(t.Context(), 2*lookEvery); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "tail of the last"); got != 1 {
		t.Errorf("the tail was told %d times", got)
	}
	out.Reset()
	last := saved()
	last.ID, last.CopyStallSeconds, last.EstimatedCopyStallSeconds = "3-4", opt.Val[float64]{}, opt.Of(0.5)
	set(last, next, f)
	if _, err := n.tell(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	contains(t, out.String(), "copying        500 ms of the server's time, by estimate   (50.0 ms per second, 12 × the stall)")
}

// A fork that the server has made of itself is told, and is not the awaited one.
func TestAwaitedForkIsToldLast(t *testing.T) {
	n, out, set := api(t)
	own, awaited := saved(), saved()
	awaited.ID, awaited.Kind, awaited.Start = "2-3", fork.KindAOF, own.Start.Add(time.Second)
	set(awaited, own)
	f, err := n.tell(t.Context(), awaited.Start.Add(10*time.Millisecond))
	if err != nil || f.ID != awaited.ID {
		t.Fatalf("fork %q, %v, want the awaited one", f.ID, err)
	}
	if text := out.String(); strings.Index(text, "RDB save: ok") > strings.Index(text, "AOF rewrite: ok") {
		t.Errorf("not in their order:\n%s", text)
	}
	contains(t, out.String(), "/forks/1-2", "/forks/2-3")
}

func TestTailIsToldInThePause(t *testing.T) {
	n, out, set := api(t)
	f := saved()
	set(f)
	if _, err := n.tell(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	f.Tail = opt.Of(fork.Tail{Seconds: 2, Faults: 5})
	set(f)
	if err := n.pause(t.Context(), 2*lookEvery); err != nil {
		t.Fatal(err)
	}
	contains(t, out.String(), "tail of the last RDB save: 2.00 s   (5 write faults)\n")
}

func TestSparkline(t *testing.T) {
	steady := make([]fork.Point, 100)
	for i := range steady {
		steady[i] = fork.Point{Seconds: float64(i) / 10, PrivateDirty: uint64(i) * 1e6}
	}
	gap := append(append([]fork.Point{}, steady[:20]...), steady[60:]...)
	for name, c := range map[string]struct {
		curve []fork.Point
		want  string
	}{
		"none":           {nil, ""},
		"one":            {steady[5:6], "█"},
		"zero":           {[]fork.Point{{Seconds: 1}, {Seconds: 1.1}}, "▁▁"},
		"a few":          {steady[:5], "▁▂▄▆█"},
		"steady":         {steady, "▁▁▁▂▂▂▂▃▃▃▄▄▄▅▅▅▅▆▆▆▇▇▇█"},
		"late points":    {[]fork.Point{{Seconds: 1, PrivateDirty: 7}, {Seconds: 1.4, PrivateDirty: 14}, {Seconds: 1.5, PrivateDirty: 21}}, "▃▃▃▃▅█"},
		"a gap":          {gap, "▁▁▁▂▂         ▅▅▅▆▆▆▇▇▇█"},
		"clock set back": {[]fork.Point{{Seconds: 5, PrivateDirty: 1}, {Seconds: 1, PrivateDirty: 2}}, "█"},
		"beyond uint64":  {[]fork.Point{{Seconds: 0, PrivateDirty: 1 << 63}, {Seconds: 0.1, PrivateDirty: 1<<64 - 1}}, "▄█"},
	} {
		if got := sparkline(c.curve); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		} else if n := utf8.RuneCountInString(got); n > sparkWidth {
			t.Errorf("%s: %d characters", name, n)
		}
	}
}

func TestAccountingHint(t *testing.T) {
	for content, c := range map[string]struct {
		uid  int
		hint bool
	}{"0\n": {0, true}, "1\n": {0, false}, "": {0, false}, "0": {1000, false}} {
		procfs := t.TempDir()
		path := filepath.Join(procfs, "sys/kernel/task_delayacct")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got := accountingHint(c.uid, procfs)
		if (got != "") != c.hint || strings.Contains(got, "\n") {
			t.Errorf("%q as user %d: %q", content, c.uid, got)
		}
	}
	if got := accountingHint(0, t.TempDir()); got != "" {
		t.Errorf("without the switch: %q", got)
	}
}
