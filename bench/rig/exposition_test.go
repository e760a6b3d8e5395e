package rig

import (
	"strings"
	"testing"
)

const exposition = `# HELP cpu_total Nothing {at all}.
# TYPE cpu_total counter
cpu_total{server="s",source="a"} 0.25
cpu_total{server="s",source="b"} 1e-2
cpu_total_more{source="a"} 100
# TYPE stall_seconds histogram
stall_seconds_bucket{kind="rdb",le="+Inf"} 3
stall_seconds_sum{kind="rdb"} 0.5
stall_seconds_count{kind="rdb"} 3
redis_fork_unobserved_total{what="child"} 5
redis_fork_unobserved_total{what="duration"} 7
# TYPE redis_fork_exporter_reads_total counter
redis_fork_exporter_reads_total{source="pagemap"} 9
plain 3
`

func TestSum(t *testing.T) {
	e, err := ParseExposition("commit 123", strings.NewReader(exposition))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		metric string
		labels []string
		want   float64
	}{
		{"cpu_total", nil, 0.26},
		{"cpu_total", []string{"source", "a"}, 0.25},
		{"cpu_total", []string{"source", "a", "server", "s"}, 0.25},
		{"plain", nil, 3},
		{"stall_seconds_count", []string{"kind", "rdb"}, 3},
		{"redis_fork_unobserved_stalls_total", nil, 7},
		{"redis_fork_exporter_reads_total", []string{"source", "pagemap"}, 9},
	} {
		if got, err := e.Sum(c.metric, c.labels...); got != c.want || err != nil {
			t.Errorf("%s %q: %v, %v; want %v", c.metric, c.labels, got, err, c.want)
		}
	}
}

func TestMissingSeries(t *testing.T) {
	e, err := ParseExposition("commit 123", strings.NewReader(exposition))
	if err != nil {
		t.Fatal(err)
	}
	for want, labels := range map[string][]string{
		"commit 123 has no series cpu":                       {"cpu"},
		`commit 123 has no series cpu_total{source="c"}`:     {"cpu_total", "source", "c"},
		"commit 123 has no series missing_count":             {"missing_count"},
		`commit 123 has no series plain{server="s",a="\"b"}`: {"plain", "server", "s", "a", `"b`},
		`commit 123 has no series redis_fork_exporter_reads_total{source="counters"}, formerly redis_fork_exporter_sampler_reads_total{source="counters"}`: {
			"redis_fork_exporter_reads_total", "source", "counters",
		},
	} {
		if got, err := e.Sum(labels[0], labels[1:]...); err == nil || err.Error() != want {
			t.Errorf("%q: %v, error %v; want %s", labels, got, err, want)
		}
	}
	if _, err := ParseExposition("commit 123", strings.NewReader("a{ 1\n")); err == nil || !strings.Contains(err.Error(), "commit 123") {
		t.Errorf("what is no exposition: %v", err)
	}
}
