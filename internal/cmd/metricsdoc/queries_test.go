package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
)

// input is what two exporters with a server of the same name have, a point every
// 30 minutes, without their labels job, instance and server.
var input = [...]struct{ series, values string }{
	{`redis_fork_stall_seconds_sum{%s}`, "0+0.01x400"},
	{`redis_fork_stall_seconds_count{%s}`, "0+4x400"},
	{`redis_fork_stall_seconds_bucket{%s, le="0.5"}`, "0+3x400"},
	{`redis_fork_stall_seconds_bucket{%s, le="+Inf"}`, "0+4x400"},
	{`redis_fork_stall_resident_bytes_total{%s}`, "0+1073741824x400"},
	{`redis_fork_children_failed_total{%s, kind="rdb", reason="exit"}`, "0+1x400"},
	{`redis_fork_children_failed_total{%s, kind="aof", reason="oom"}`, "0+2x400"},
	{`redis_fork_refused_total{%s, kind="rdb"}`, "0+3x400"},
	{`redis_fork_child_seconds_total{%s, kind="rdb"}`, "0+180x400"},
	{`redis_fork_child_seconds_total{%s, kind="aof"}`, "0+90x400"},
	{`redis_fork_copy_stall_seconds_total{%s}`, "0+9x400"},
	{`redis_fork_copied_bytes_total{%s}`, "0+21474836480x400"},
	{`redis_fork_last_private_dirty_peak_bytes{%s, kind="rdb"}`, "512x400"},
	{`redis_fork_last_resident_bytes{%s, kind="rdb"}`, "2048x400"},
	{`redis_fork_private_dirty_peak_ratio_bucket{%s, le="0.5"}`, "0+3x400"},
	{`redis_fork_private_dirty_peak_ratio_count{%s}`, "0+4x400"},
	{`redis_fork_reported_changes_since_last_save{%s}`, "7x400"},
	{`redis_fork_child_private_dirty_bytes{%s}`, "300x400"},
	{`redis_fork_reported_cow_bytes{%s}`, "100x400"},
	{`redis_fork_exporter_read_cpu_seconds_total{%s, source="child_smaps"}`, "0+18x400"},
}

// results are, per query, the values after a week, in the order of queries.
var results = [...]map[string]string{
	{`{job="j", instance="a", server="s"}`: "10", `{job="j", instance="b", server="s"}`: "10"},
	{`{job="j", instance="a", server="s"}`: "48", `{job="j", instance="b", server="s"}`: "48"},
	{`{job="j", instance="a", server="s"}`: "12", `{job="j", instance="b", server="s"}`: "12"},
	{`{job="j", instance="a", server="s"}`: "0.15", `{job="j", instance="b", server="s"}`: "0.15"},
	{`{job="j", instance="a", server="s"}`: "0.005", `{job="j", instance="b", server="s"}`: "0.005"},
	{`{job="j", instance="a", server="s"}`: "0.45", `{job="j", instance="b", server="s"}`: "0.45"},
	{`{job="j", instance="a", server="s", kind="rdb"}`: "0.25", `{job="j", instance="b", server="s", kind="rdb"}`: "0.25"},
	{`{job="j", instance="a", server="s"}`: "0.25", `{job="j", instance="b", server="s"}`: "0.25"},
	{`{job="j", instance="a", server="s", kind="rdb"}`: "4800", `{job="j", instance="b", server="s"}`: "7"}, // b never saved
	{`{job="j", instance="a", server="s"}`: "200", `{job="j", instance="b", server="s"}`: "200"},
	{`{job="j", instance="a"}`: "0.01", `{job="j", instance="b"}`: "0.01"},
}

// TestQueries evaluates the page's queries over two servers of one name.
func TestQueries(t *testing.T) {
	promtool := testutil.Program(t, "promtool", "prometheus")
	if len(results) != len(queries) {
		t.Fatalf("%d results for %d queries", len(results), len(queries))
	}
	var b strings.Builder
	b.WriteString("tests:\n- interval: 30m\n  input_series:\n")
	series := func(format, instance, values string) {
		name := fmt.Sprintf(format, fmt.Sprintf(`job="j", instance=%q, server="s"`, instance))
		fmt.Fprintf(&b, "  - series: '%s'\n    values: '%s'\n", name, values)
	}
	for _, in := range input {
		series(in.series, "a", in.values)
		series(in.series, "b", in.values)
	}
	series(`redis_fork_reported_last_save_timestamp_seconds{%s, kind="rdb"}`, "a", "600000x400")
	b.WriteString("  promql_expr_test:\n")
	for i, q := range queries {
		// Rounded, because the test compares exactly.
		fmt.Fprintf(&b, "  - eval_time: 7d\n    expr: |\n      round(\n      %s\n      , 0.001)\n    exp_samples:\n",
			strings.ReplaceAll(q.expr, "\n", "\n      "))
		for labels, value := range results[i] {
			fmt.Fprintf(&b, "    - labels: '%s'\n      value: %s\n", labels, value)
		}
	}
	file := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
}
