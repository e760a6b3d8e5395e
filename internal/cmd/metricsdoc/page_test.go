package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-fork-exporter/redis_fork_exporter/collectors"
)

func TestPageIsCurrent(t *testing.T) {
	got, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), string(page(collectors.All()))); diff != "" {
		t.Errorf("docs/metrics.md is stale: run go generate ./collectors (-page +declarations):\n%s", diff)
	}
}

func TestPageHasEveryMetricOnce(t *testing.T) {
	metrics := collectors.All()
	text := string(page(metrics))
	for _, m := range metrics {
		if n := strings.Count(text, "\n| `"+m.Name+"` | "); n != 1 {
			t.Errorf("%s has %d rows", m.Name, n)
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| ") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 8 {
			t.Errorf("not 7 columns: %s", line)
		}
	}
	// A group that comes twice would be two tables.
	for _, heading := range regexp.MustCompile(`(?m)^## .*$`).FindAllString(text, -1) {
		if n := strings.Count(text, heading+"\n"); n != 1 {
			t.Errorf("%q appears %d times", heading, n)
		}
	}
}

func TestQueriesUseDeclaredMetrics(t *testing.T) {
	declared := map[string]bool{}
	for _, m := range collectors.All() {
		declared[m.Name] = true
		if m.Type == collectors.Histogram {
			declared[m.Name+"_sum"], declared[m.Name+"_count"], declared[m.Name+"_bucket"] = true, true, true
		}
	}
	name := regexp.MustCompile(`redis_fork_\w+`)
	for _, q := range queries {
		found := name.FindAllString(q.expr, -1)
		if len(found) == 0 {
			t.Errorf("no metric in %q", q.expr)
		}
		for _, n := range found {
			if !declared[n] {
				t.Errorf("%s is in a query and nowhere else", n)
			}
		}
	}
}

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"plain words, no more":         "plain words, no more",
		"see redis_fork_up.":           "see `redis_fork_up`.",
		"(rdb_saves) and a|b":          "(`rdb_saves`) and a\\|b",
		`x_y{what="a"} and the_last_*`: "`x_y{what=\"a\"}` and `the_last_*`",
		"redis_exporter's":             "`redis_exporter`'s",
	} {
		if got := cell(in); got != want {
			t.Errorf("cell(%q) = %q, want %q", in, got, want)
		}
	}
}
