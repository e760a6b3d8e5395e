package dashboards_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestHosts has Prometheus add up what all servers of a host need. Host h1 has two
// servers of two jobs and two exporters, of the same name: what the host has left is
// 10 GiB, and a child of one of them holds 1 GiB that it will give back. So all of
// them have 11 GiB, although the one says 11 and the other 10. On h2 is a server that
// has not forked yet, so that nothing is known about its next fork.
func TestHosts(t *testing.T) {
	const (
		a   = `job="a",instance="h1:10121",server="127.0.0.1:6379"`
		b   = `job="b",instance="h1:10122",server="127.0.0.1:6379"`
		c   = `job="a",instance="h2:10121",server="127.0.0.1:6379"`
		d   = `job="a",instance="h3:10121",server="127.0.0.1:6379"`
		gib = 1 << 30
	)
	type series struct {
		Series string `json:"series"`
		Values string `json:"values"`
	}
	type sample struct {
		Labels string  `json:"labels"`
		Value  float64 `json:"value"`
	}
	type evaluation struct {
		Expr string   `json:"expr"`
		Time string   `json:"eval_time"`
		Want []sample `json:"exp_samples"`
	}
	input := []series{
		{`redis_fork_up{` + a + `}`, "1x60"},
		{`redis_fork_up{` + b + `}`, "1x60"},
		{`redis_fork_up{` + c + `}`, "1x60"},
		{`redis_fork_up{` + d + `}`, "1x60"},
		{`redis_fork_headroom_bytes{` + a + `,limit="host"}`, "11811160064x60"},
		{`redis_fork_headroom_bytes{` + a + `,limit="cgroup"}`, "2147483648x60"},
		{`redis_fork_headroom_bytes{` + b + `,limit="host"}`, "10737418240x60"},
		{`redis_fork_headroom_bytes{` + c + `,limit="host"}`, "1073741824x60"},
		{`redis_fork_headroom_bytes{` + d + `,limit="host"}`, "0x60"},
		{`redis_fork_child_private_dirty_bytes{` + a + `}`, "1073741824x60"},
		{`redis_fork_child_private_dirty_bytes{` + b + `}`, "0x60"},
		{`redis_fork_next_memory_expected_bytes{` + a + `}`, "4294967296x60"},
		{`redis_fork_next_memory_expected_bytes{` + b + `}`, "5368709120x60"},
		{`redis_fork_next_memory_expected_bytes{` + d + `}`, "1073741824x60"},
	}
	var tests []evaluation
	for _, w := range []struct {
		panel, ref string
		want       []sample
	}{
		{"Every host, the least likely to survive it first", "A", []sample{{`{host="h1"}`, 9.0 / 11}, {`{host="h3"}`, 100}}},
		{"Every host, the least likely to survive it first", "B", []sample{{`{host="h1"}`, 2 * gib}, {`{host="h3"}`, -gib}}},
		{"Every host, the least likely to survive it first", "C", []sample{{`{host="h1"}`, 9 * gib}, {`{host="h3"}`, gib}}},
		{"Every host, the least likely to survive it first", "D", []sample{{`{host="h1"}`, 11 * gib}, {`{host="h2"}`, gib}, {`{host="h3"}`, 0}}},
		{"Every host, the least likely to survive it first", "F", []sample{{`{host="h1"}`, 2}, {`{host="h2"}`, 1}, {`{host="h3"}`, 1}}},
		{"Every host, the least likely to survive it first", "G", []sample{{`{host="h2"}`, 1}}},
		{"Left on each host if all of its servers fork at once", "A", []sample{{`{host="h1"}`, 2 * gib}, {`{host="h3"}`, -gib}}},
		// By themselves: the one is short of memory in its cgroup, the other is not.
		{"Every server, the least likely to survive its next fork first", "B", []sample{{`{` + a + `}`, 2}, {`{` + b + `}`, 0.5}, {`{` + d + `}`, 100}}},
		{"Every server, the least likely to survive its next fork first", "C", []sample{{`{` + a + `}`, -2 * gib}, {`{` + b + `}`, 5 * gib}, {`{` + d + `}`, -gib}}},
		{"Won't survive the next fork", "A", []sample{{`{}`, 2}}},
		{"Without a forecast", "A", []sample{{`{}`, 1}}},
	} {
		expr := fleetSubstitute.Replace(exprAt(t, fleetFile, w.panel, w.ref))
		tests = append(tests, evaluation{expr, "10m", w.want})
	}
	raw, err := json.Marshal(map[string]any{
		"tests": []any{map[string]any{"interval": "15s", "input_series": input, "promql_expr_test": tests}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tests.yaml") // JSON is YAML
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "test", "rules", file)
}
