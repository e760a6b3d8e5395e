package dashboards_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/collectors"
)

var (
	// selector is a metric of the exporter's and what stands in braces after it.
	selector = regexp.MustCompile(`\b(redis_fork_\w+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"`)
)

// declared returns what the exporter declares of the name of a series, which for
// histograms has a suffix.
func declared(series string) (collectors.Metric, bool) {
	for _, m := range collectors.All() {
		switch {
		case m.Type != collectors.Histogram && m.Name == series:
			return m, true
		case m.Type == collectors.Histogram && slices.Contains([]string{"_bucket", "_sum", "_count"}, strings.TrimPrefix(series, m.Name)):
			return m, true
		}
	}
	return collectors.Metric{}, false
}

func TestMetricsExist(t *testing.T) {
	records := map[string]bool{}
	for _, r := range loadRules(t) {
		records[r.Record] = true
	}
	for _, d := range load(t) {
		for _, e := range d.expressions() {
			for _, s := range selector.FindAllStringSubmatch(e.text, -1) {
				if m, _ := declared(s[1]); m.Endpoint == "/curve" { // the job that scrapes it has a name of its own
					if s[2] != `instance=~"$instance",server=~"$server"` {
						t.Errorf("%s: %s is filtered by %s", e.where, s[1], s[2])
					}
					continue
				}
				checkSelector(t, e.where, s[1], s[2])
			}
			_, recorded := metricsOf(e.text)
			for _, name := range recorded {
				if !records[name] {
					t.Errorf("%s: no rule records %s", e.where, name)
				}
			}
		}
		for _, v := range d.Templating.List {
			if v.Type != "query" {
				continue
			}
			// In JSON, the quotes of the query are escaped.
			query := strings.ReplaceAll(string(v.Query), `\"`, `"`)
			for _, s := range selector.FindAllStringSubmatch(query, -1) {
				if _, ok := declared(s[1]); !ok {
					t.Errorf("%s variable %s: the exporter has no %s", d.file, v.Name, s[1])
				}
			}
		}
	}
}

// checkSelector fails unless the metric exists, is filtered by its whole
// identity, and by no label that it lacks.
func checkSelector(t *testing.T, where, name, braces string) {
	t.Helper()
	m, ok := declared(name)
	if !ok {
		t.Errorf("%s: the exporter has no %s", where, name)
		return
	}
	labels := append(m.LabelNames(), "job", "instance")
	if strings.HasSuffix(name, "_bucket") {
		labels = append(labels, "le")
	}
	for _, l := range matcher.FindAllStringSubmatch(braces, -1) {
		if !slices.Contains(labels, l[1]) {
			t.Errorf("%s: %s has no label %q", where, name, l[1])
		}
	}
	want := []string{`job=~"$job"`, `instance=~"$instance"`}
	if m.PerServer {
		want = append(want, `server=~"$server"`)
	}
	for _, w := range want {
		if !strings.Contains(braces, w) {
			t.Errorf("%s: %s is not filtered by %s", where, name, w)
		}
	}
}

// allNames are the names of the exporter's metrics.
func allNames() []string {
	var out []string
	for _, m := range collectors.All() {
		out = append(out, m.Name)
	}
	return out
}
