package dashboards_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v2"

	"github.com/redis-fork-exporter/redis_fork_exporter/collectors"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
)

const (
	limitsFile = "redis-fork-limits.yaml"
	alertsFile = "redis-fork-alerts.yaml"

	runbooks   = "../docs/runbooks"
	runbookURL = "https://github.com/redis-fork-exporter/redis_fork_exporter/blob/main/docs/runbooks/"
)

// rule is a recording or an alerting rule.
type rule struct {
	file string

	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func (r *rule) name() string { return r.Record + r.Alert }

// loadRules reads the rules of both files, in their order.
func loadRules(t *testing.T) []rule {
	t.Helper()
	var out []rule
	for _, name := range []string{limitsFile, alertsFile} {
		var file struct {
			Groups []struct {
				Name  string
				Rules []rule
			}
		}
		decodeYAML(t, name, &file)
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				r.file = name
				out = append(out, r)
			}
		}
	}
	return out
}

func decodeYAML(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(b, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func loadAlerts(t *testing.T) []rule {
	t.Helper()
	return slices.DeleteFunc(loadRules(t), func(r rule) bool { return r.Alert == "" })
}

func promtool(t *testing.T, args ...string) {
	t.Helper()
	program := testutil.Program(t, "promtool", "prometheus")
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestRulesCheck(t *testing.T) { promtool(t, "check", "rules", limitsFile, alertsFile) }

// numbers is what a description tells beyond its labels: the expression's value,
// or that of a query.
var numbers = regexp.MustCompile(`\$value|\| value`)

func TestAlertShape(t *testing.T) {
	alerts := map[string]bool{}
	for _, a := range loadAlerts(t) {
		if a.file != alertsFile {
			t.Errorf("%s is in %s, want it in %s", a.Alert, a.file, alertsFile)
		}
		if alerts[a.Alert] {
			t.Errorf("there are two %s", a.Alert)
		}
		alerts[a.Alert] = true
		if !regexp.MustCompile(`^RedisFork[A-Z][A-Za-z]+$`).MatchString(a.Alert) || len(a.Alert) > 40 {
			t.Errorf("name %q, want RedisFork…, CamelCase, at most 40 characters", a.Alert)
		}
		if s := a.Labels["severity"]; !slices.Contains([]string{"critical", "warning", "info"}, s) || len(a.Labels) != 1 {
			t.Errorf("%s: labels %v, want a severity (critical, warning or info) and no other", a.Alert, a.Labels)
		}
		if a.For != "" {
			if d, err := time.ParseDuration(a.For); err != nil || d <= 0 {
				t.Errorf("%s: for is %q", a.Alert, a.For)
			}
		}
		summary, description := a.Annotations["summary"], a.Annotations["description"]
		if summary == "" || strings.Contains(summary, "{{") {
			t.Errorf("%s: summary %q, want a fixed text: notifications are grouped by it", a.Alert, summary)
		}
		if !numbers.MatchString(description) {
			t.Errorf("%s: the description tells no number: %q", a.Alert, description)
		}
		for _, label := range []string{"job", "instance", "server"} {
			// An alert about the rules is about no server.
			if !strings.Contains(description, "$labels."+label) && a.Alert != "RedisForkLimitsMissing" {
				t.Errorf("%s: the description does not name the %s", a.Alert, label)
			}
		}
		if got, want := a.Annotations["runbook_url"], runbookURL+a.Alert+".md"; got != want {
			t.Errorf("%s: runbook_url %q, want %q", a.Alert, got, want)
		}
		if _, err := os.Stat(filepath.Join(runbooks, a.Alert+".md")); err != nil {
			t.Errorf("%s has no runbook: %v", a.Alert, err)
		}
		if len(a.Annotations) != 3 {
			t.Errorf("%s: annotations %v, want summary, description and runbook_url", a.Alert, a.Annotations)
		}
	}
	pages, err := filepath.Glob(filepath.Join(runbooks, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if name := strings.TrimSuffix(filepath.Base(page), ".md"); !alerts[name] {
			t.Errorf("%s is the runbook of no alert", page)
		}
	}
}

// Only what somebody has to get up for: a page that can wait teaches people to
// sleep through the next.
func TestPages(t *testing.T) {
	var pages []string
	for _, a := range loadAlerts(t) {
		if a.Labels["severity"] == "critical" {
			pages = append(pages, a.Alert)
		}
	}
	if want := []string{"RedisForkWritesRefused", "RedisForkChildOomKilled"}; !slices.Equal(pages, want) {
		t.Errorf("%q page, want %q", pages, want)
	}
}

func TestRuleIdentity(t *testing.T) {
	for _, r := range loadRules(t) {
		for _, m := range grouping.FindAllStringSubmatch(r.Expr, -1) {
			t.Errorf("%s: %q; use without or ignoring, which keep whatever else identifies a server", r.name(), m[0])
		}
	}
}

var (
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	series = regexp.MustCompile(`\bredis_fork[\w:]*`)
)

// metricsOf returns the exporter's metrics and the recorded series that an
// expression names.
func metricsOf(expr string) (metrics, recorded []string) {
	for _, name := range series.FindAllString(quoted.ReplaceAllString(expr, `""`), -1) {
		if strings.Contains(name, ":") {
			recorded = append(recorded, name)
		} else {
			metrics = append(metrics, name)
		}
	}
	return metrics, recorded
}

// query is an expression inside a template.
var query = regexp.MustCompile(`printf "([^"]+)" .*\| query`)

// expressionsOf returns a rule's own and those of its templates.
func expressionsOf(r rule) []string {
	out := []string{r.Expr}
	for _, m := range query.FindAllStringSubmatch(r.Annotations["description"], -1) {
		out = append(out, strings.ReplaceAll(m[1], "%q", `""`))
	}
	return out
}

// Nothing here needs /curve, whose series are not in every Prometheus.
func TestRuleMetrics(t *testing.T) {
	rules := loadRules(t)
	records := map[string]bool{}
	for _, r := range rules {
		for _, expr := range expressionsOf(r) {
			metrics, recorded := metricsOf(expr)
			for _, name := range metrics {
				if m, _ := declared(name); m.Endpoint != "/metrics" {
					t.Errorf("%s: /metrics has no %s", r.name(), name)
				}
			}
			for _, name := range recorded {
				if !records[name] {
					t.Errorf("%s: %s is not recorded above it", r.name(), name)
				}
			}
			for _, s := range selector.FindAllStringSubmatch(expr, -1) {
				checkLabels(t, r.name(), s[1], s[2])
			}
		}
		if r.Record != "" {
			records[r.Record] = true
		}
	}
	for name := range records {
		if !slices.ContainsFunc(rules, func(r rule) bool {
			_, recorded := metricsOf(strings.Join(expressionsOf(r), " "))
			return slices.Contains(recorded, name)
		}) {
			t.Errorf("nobody asks for %s", name)
		}
	}
}

// checkLabels fails if a metric is filtered by a label that it lacks.
func checkLabels(t *testing.T, where, name, braces string) {
	t.Helper()
	m, ok := declared(name)
	if !ok {
		return // said elsewhere
	}
	labels := append(m.LabelNames(), "job", "instance", "le")
	for _, l := range matcher.FindAllStringSubmatch(braces, -1) {
		if !slices.Contains(labels, l[1]) || l[1] == "le" && m.Type != collectors.Histogram {
			t.Errorf("%s: %s has no label %q", where, name, l[1])
		}
	}
}

// Each alert has a file of tests of its own, in which it fires and is silent.
func TestAlertTests(t *testing.T) {
	files, err := filepath.Glob("testdata/alerts/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	promtool(t, append([]string{"test", "rules"}, files...)...)

	for _, a := range loadAlerts(t) {
		name := fmt.Sprintf("testdata/alerts/%s.yaml", a.Alert)
		var file struct {
			RuleFiles          []string `yaml:"rule_files"`
			EvaluationInterval string   `yaml:"evaluation_interval"`
			Tests              []struct {
				Name     string
				Interval string
				Input    []struct{ Series, Values string } `yaml:"input_series"`
				Alerts   []struct {
					Name     string           `yaml:"alertname"`
					At       string           `yaml:"eval_time"`
					Expected []map[string]any `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
				Exprs []map[string]any `yaml:"promql_expr_test"`
			}
		}
		decodeYAML(t, name, &file)
		firing, silent, sidecars := 0, 0, false
		for _, test := range file.Tests {
			instances := map[string]bool{}
			for _, s := range test.Input {
				if strings.Contains(s.Series, `server="127.0.0.1:6379"`) {
					instances[regexp.MustCompile(`instance="[^"]*"`).FindString(s.Series)] = true
				}
			}
			sidecars = sidecars || len(instances) > 1
			for _, e := range test.Alerts {
				switch {
				case e.Name != a.Alert:
					t.Errorf("%s tests %s", name, e.Name)
				case len(e.Expected) > 0:
					firing++
				default:
					silent++
				}
			}
		}
		if firing == 0 || silent == 0 || !sidecars {
			t.Errorf("%s: %d tests in which it fires, %d in which it is silent, two sidecars that watch the same address: %v; want some of each",
				name, firing, silent, sidecars)
		}
	}
	if got, want := len(files), len(loadAlerts(t)); got != want {
		t.Errorf("%d files of tests for %d alerts", got, want)
	}
}
