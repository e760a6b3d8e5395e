package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSetting(t *testing.T) {
	for text, want := range map[string]string{"1\n": "1", "always [madvise] never\n": "madvise", "[always] madvise never": "always"} {
		if got := setting(text); got != want {
			t.Errorf("%q is set to %q, want %q", text, got, want)
		}
	}
}

func TestSumMetrics(t *testing.T) {
	const text = `# HELP children_total Children {of all} kinds
# TYPE children_total counter
children_total{kind="aof",server="s"} 2
children_total{kind="rdb",server="s"} 1.5e+01
unobserved_total{server="s",what="child"} 3
unobserved_total{server="s",what="duration"} 4
up 1
`
	got, err := sumMetrics(strings.NewReader(text), "children_total", `unobserved_total what="duration"`)
	if want := []int{17, 4}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if got, err := sumMetrics(strings.NewReader(text), "children"); err == nil {
		t.Errorf("a metric that is not there is %v", got)
	}
}

func TestChoose(t *testing.T) {
	all, err := choose("")
	if err != nil || len(all) != len(workloads()) {
		t.Errorf("no names choose %d loads, %v", len(all), err)
	}
	two, err := choose("mix; overwrite, varying size")
	if err != nil || len(two) != 2 || two[0].name != "mix" || two[1].least == 0 {
		t.Errorf("%v, %v", two, err)
	}
	if _, err := choose("mixed"); err == nil {
		t.Error("a load that is none is no error")
	}
}

func TestSaveDelay(t *testing.T) {
	const nap = 100 * time.Microsecond
	for _, c := range []struct {
		keys, want int
	}{
		{1_000, 7_900},     // 8 ms a key, of which the sleep takes a nap more than it is told
		{1_000_000, -12},   // 8 µs a key: every twelfth naps
		{10_000_000, -125}, // 0.8 µs a key
		{80_000, -1},       // a nap a key
	} {
		if got := saveDelay(8*time.Second, c.keys, nap); got != c.want {
			t.Errorf("%d keys: %d, want %d", c.keys, got, c.want)
		}
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
