package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseSchedstat(t *testing.T) {
	s, err := parseSchedstat("1864301172 546119184 33655\n")
	if err != nil || s != (schedstat{ran: 1864301172, waited: 546119184}) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", "12", "x y z"} {
		if s, err := parseSchedstat(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, s)
		}
	}
}

func TestCPUTimeOfThisProcess(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); time.Since(start) < 50*time.Millisecond; {
		_ = start // uses up time
	}
	after, err := cpuTime(os.Getpid())
	if err != nil || after <= before {
		t.Errorf("%s, then %s, %v", before, after, err)
	}
	if _, err := cpuTime(1 << 23); err == nil {
		t.Error("no error for a process that is not there")
	}
}

func TestSum(t *testing.T) {
	const text = `# HELP cpu_total Nothing.
# TYPE cpu_total counter
cpu_total{server="s",source="a"} 0.25
cpu_total{server="s",source="b"} 1e-2
cpu_total_more{source="a"} 100
plain 3
`
	for _, c := range []struct {
		metric, with string
		total        float64
		series       int
	}{
		{"cpu_total", "", 0.26, 2},
		{"cpu_total", `source="a"`, 0.25, 1},
		{"cpu_total", `source="c"`, 0, 0},
		{"plain", "", 3, 1},
		{"cpu", "", 0, 0},
	} {
		if total, series := sum(text, c.metric, c.with); total != c.total || series != c.series {
			t.Errorf("%s with %q: %v of %d series, want %v of %d", c.metric, c.with, total, series, c.total, c.series)
		}
	}
}

func TestSysctlIsSetBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "switch")
	for _, old := range []string{"0\n", "1\n"} {
		if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
			t.Fatal(err)
		}
		restore, err := setSysctl(path, "1")
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(path); strings.TrimSpace(string(b)) != "1" {
			t.Errorf("set to %q", b)
		}
		if err := restore(); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(path); string(b) != old {
			t.Errorf("set back to %q, it was %q", b, old)
		}
	}
	if _, err := setSysctl(filepath.Join(t.TempDir(), "missing"), "1"); err == nil {
		t.Error("no error for a sysctl that is not there")
	}
}

func TestFlags(t *testing.T) {
	s, err := parse(nil)
	if err != nil || len(s.only) != len(measurements) || s.rounds < 5 {
		t.Errorf("defaults: %+v, %v", s, err)
	}
	s, err = parse([]string{"-only=latency", "-rounds=7"})
	if err != nil || len(s.only) != 1 || !s.only["latency"] || s.rounds != 7 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range [][]string{{"-only=latencies"}, {"-only="}, {"-rounds=0"}, {"-quiet=-1s"}, {"latency"}} {
		if s, err := parse(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, s)
		}
	}
	if _, err := parse([]string{"-h"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}
