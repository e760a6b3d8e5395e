package dashboards_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
)

// The labels of the one server of the scenario.
const identity = `job="redis-fork",instance="db-1:10121",server="a"`

// scenario is half an hour of one server, scraped every 15 s. An aof fork of
// 200 ms was there before; an rdb fork of 50 ms, the first of its kind, ends at
// 5 min, and an aof fork of 700 ms at 10 min.
var scenario = map[string]string{
	`redis_fork_last_start_timestamp_seconds{` + identity + `,kind="rdb"}`: "_x20 300x100",
	`redis_fork_last_stall_seconds{` + identity + `,kind="rdb"}`:           "_x20 0.05x100",
	`redis_fork_last_start_timestamp_seconds{` + identity + `,kind="aof"}`: "100x39 600x80",
	`redis_fork_last_stall_seconds{` + identity + `,kind="aof"}`:           "0.2x39 0.7x80",
	`redis_fork_stall_seconds_count{` + identity + `}`:                     "0x19 1x19 2x80",
	`redis_fork_stall_seconds_bucket{` + identity + `,le="0.05"}`:          "0x19 1x19 1x80",
	`redis_fork_stall_seconds_bucket{` + identity + `,le="0.5"}`:           "0x19 1x19 1x80",
	`redis_fork_stall_seconds_bucket{` + identity + `,le="1"}`:             "0x19 1x19 2x80",
	`redis_fork_stall_seconds_bucket{` + identity + `,le="+Inf"}`:          "0x19 1x19 2x80",
	`redis_fork_stall_seconds_sum{` + identity + `}`:                       "0x19 0.05x19 0.75x80",
	`redis_fork_stall_resident_bytes_total{` + identity + `}`:              "0x19 1073741824x19 2147483648x80",

	// The rdb fork's peak was 80 % of the server's memory, the aof fork's 120 %.
	`redis_fork_private_dirty_peak_ratio_bucket{` + identity + `,le="0.5"}`:  "0x119",
	`redis_fork_private_dirty_peak_ratio_bucket{` + identity + `,le="0.75"}`: "0x119",
	`redis_fork_private_dirty_peak_ratio_bucket{` + identity + `,le="1.0"}`:  "0x19 1x19 1x80",
	`redis_fork_private_dirty_peak_ratio_count{` + identity + `}`:            "0x19 1x19 2x80",

	// The time of the rdb fork's copies was not known.
	`redis_fork_last_copy_stall_seconds{` + identity + `,kind="aof"}`: "0.1x39 0.3x80",
	`redis_fork_copy_stall_seconds_total{` + identity + `}`:           "0+0.9375x120",
	`redis_fork_copied_bytes_total{` + identity + `}`:                 "0x19 4096x19 12288x80",
	`redis_fork_write_faults_total{` + identity + `,phase="copy"}`:    "0+15x120",
	`redis_fork_write_faults_total{` + identity + `,phase="tail"}`:    "0+30x120",
}

// TestEvaluation has Prometheus evaluate the expressions that are easy to get
// wrong and still parse: joins, dots, and counts over a window.
func TestEvaluation(t *testing.T) {
	promtool := testutil.Program(t, "promtool", "prometheus")
	const (
		rdb = `redis_fork_last_stall_seconds{` + identity + `,kind="rdb"}`
		aof = `redis_fork_last_stall_seconds{` + identity + `,kind="aof"}`
		all = `{` + identity + `}`

		copyTime = `redis_fork_last_copy_stall_seconds{` + identity + `,kind="aof"}`
		faults   = `{` + identity
	)
	type sample struct {
		Labels string  `json:"labels"`
		Value  float64 `json:"value"`
	}
	type evaluation struct {
		Expr string   `json:"expr"`
		Time string   `json:"eval_time"`
		Want []sample `json:"exp_samples"`
	}
	type series struct {
		Series string `json:"series"`
		Values string `json:"values"`
	}

	var tests []evaluation
	for _, c := range []struct {
		panel, at string
		want      []sample
	}{
		{"Stall: the last, and the next", "4m", []sample{{aof, 0.2}}},
		{"Stall: the last, and the next", "7m", []sample{{rdb, 0.05}}},
		{"Stall: the last, and the next", "12m", []sample{{aof, 0.7}}},
		{"Copy time of the last fork", "4m", []sample{{copyTime, 0.1}}},
		{"Copy time of the last fork", "7m", nil}, // not that of an older fork
		{"Copy time of the last fork", "12m", []sample{{copyTime, 0.3}}},
		{"Copy stall as a share of time", "10m", []sample{{all, 0.0625}}},
		{"Bytes copied per $window", "8m", []sample{{all, 4096}}},
		{"Bytes copied per $window", "25m", []sample{{all, 12288}}},
		{"Write faults, by phase", "10m", []sample{{faults + `,phase="copy"}`, 1}, {faults + `,phase="tail"}`, 2}}},
		{"Stall of each fork", "4m45s", nil},
		{"Stall of each fork", "5m", []sample{{rdb, 0.05}}}, // the first of its kind
		{"Stall of each fork", "5m15s", nil},                // one dot, not one per scrape
		{"Stall of each fork", "10m", []sample{{aof, 0.7}}},
		{"Stall of each fork", "10m15s", nil},
		{"Forks in $window", "25m", []sample{{all, 2}}},
		{"Over 500 ms in $window", "8m", []sample{{all, 0}}},
		{"Over 500 ms in $window", "25m", []sample{{all, 1}}},
		{"Longest stall in $window, at most", "8m", []sample{{all, 0.05}}},
		{"Longest stall in $window, at most", "25m", []sample{{all, 1}}},
		{"Stall per GiB in $window", "25m", []sample{{all, 375}}},
	} {
		tests = append(tests, evaluation{substitute.Replace(exprOf(t, instanceFile, c.panel)), c.at, c.want})
	}
	for ref, forks := range map[string]float64{"D": 0, "E": 1, "F": 1} {
		expr := exprAt(t, instanceFile, "Forks by their peak, in $window", ref)
		tests = append(tests, evaluation{substitute.Replace(expr), "25m", []sample{{all, forks}}})
	}
	var input []series
	for name, values := range scenario {
		input = append(input, series{name, values})
	}

	// JSON is YAML.
	b, err := json.Marshal(map[string]any{
		"tests": []any{map[string]any{"interval": "15s", "input_series": input, "promql_expr_test": tests}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tests.yaml")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
}

// exprOf returns the first expression of the panel with this title.
func exprOf(t *testing.T, file, title string) string {
	t.Helper()
	return exprAt(t, file, title, "A")
}

// exprAt returns one of a panel's expressions.
func exprAt(t *testing.T, file, title, ref string) string {
	t.Helper()
	for _, d := range load(t) {
		for _, p := range d.panels() {
			for _, q := range p.Targets {
				if d.file == file && p.Title == title && q.RefID == ref {
					return q.Expr
				}
			}
		}
	}
	t.Fatalf("%s has no panel %q with a query %s", file, title, ref)
	return ""
}
