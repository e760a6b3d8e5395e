package rig

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestParseSchedstat(t *testing.T) {
	s, err := parseSchedstat("1864301172 546119184 33655\n")
	if err != nil || s != (Schedstat{Ran: 1864301172, Waited: 546119184}) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", "12", "x y z"} {
		if s, err := parseSchedstat(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, s)
		}
	}
}

func TestCPUTimeOfThisProcess(t *testing.T) {
	before, err := CPUTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); time.Since(start) < 50*time.Millisecond; {
		_ = start // uses up time
	}
	after, err := CPUTime(os.Getpid())
	if err != nil || after <= before {
		t.Errorf("%s, then %s, %v", before, after, err)
	}
	if _, err := CPUTime(1 << 23); err == nil {
		t.Error("no error for a process that is not there")
	}
}

func TestParseProcessorTicks(t *testing.T) {
	idle, all, err := parseProcessorTicks("cpu  10 20 30 400 50 6 7 8 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
	if idle != 450 || all != 531 || err != nil {
		t.Errorf("%v idle of %v, %v; want 450 of 531", idle, all, err)
	}
	if _, _, err := parseProcessorTicks("intr 1"); err == nil {
		t.Error("no error without a line of all processors")
	}
}

func TestSetting(t *testing.T) {
	for text, want := range map[string]string{"1\n": "1", "always [madvise] never\n": "madvise", "[always] madvise never": "always"} {
		if got := setting(text); got != want {
			t.Errorf("%q is set to %q, want %q", text, got, want)
		}
	}
}

func TestSetIsPutBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "switch")
	for _, old := range []string{"0\n", "1\n"} {
		if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
			t.Fatal(err)
		}
		restore, err := Set(t.Context(), path, "1")
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(path); string(b) != "1\n" {
			t.Errorf("set to %q", b)
		}
		waiting, cancel := context.WithTimeout(t.Context(), 2*lookEvery)
		if _, err := Set(waiting, path, "0"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("set by two at once: %v", err)
		}
		cancel()
		if err := restore(); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(path); string(b) != old {
			t.Errorf("put back to %q, it was %q", b, old)
		}
	}
	if _, err := Set(t.Context(), filepath.Join(t.TempDir(), "missing"), "1"); err == nil {
		t.Error("no error for a setting that is not there")
	}
}
