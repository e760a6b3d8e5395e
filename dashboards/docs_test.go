package dashboards_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const alertsDoc = "../docs/alerts.md"

// rowsOf returns the cells of the table rows of a document that begin so.
func rowsOf(t *testing.T, file, beginning string) [][]string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "| "+beginning) {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		out = append(out, cells)
	}
	return out
}

func TestDocumentedAlerts(t *testing.T) {
	rows := rowsOf(t, alertsDoc, "[RedisFork")
	alerts := loadAlerts(t)
	if len(rows) != len(alerts) {
		t.Fatalf("%s has %d alerts, want %d", alertsDoc, len(rows), len(alerts))
	}
	for i, a := range alerts {
		wait := a.For
		if wait == "" {
			wait = "–"
		}
		want := []string{"[" + a.Alert + "](runbooks/" + a.Alert + ".md)", a.Labels["severity"], wait}
		if got := []string{rows[i][0], rows[i][1], rows[i][3]}; !slices.Equal(got, want) {
			t.Errorf("%s says %q, want %q", alertsDoc, got, want)
		}
	}
}

// A limit stands in one place, which the document repeats.
func TestDocumentedLimits(t *testing.T) {
	rows := rowsOf(t, alertsDoc, "`redis_fork:")
	limits := slices.DeleteFunc(loadRules(t), func(r rule) bool { return r.file != limitsFile })
	if len(rows) != len(limits) {
		t.Fatalf("%s has %d limits, want %d", alertsDoc, len(rows), len(limits))
	}
	value := regexp.MustCompile(`\* 0 \+ ([0-9.]+)$|le="([0-9.]+)"`)
	alerts := loadAlerts(t)
	for i, l := range limits {
		m := value.FindStringSubmatch(l.Expr)
		if m == nil {
			t.Errorf("no value in %q", l.Expr)
			continue
		}
		if want := []string{"`" + l.Record + "`", m[1] + m[2]}; !slices.Equal(rows[i][:2], want) {
			t.Errorf("%s says %q, want %q", alertsDoc, rows[i][:2], want)
		}
		name, _, _ := strings.Cut(rows[i][2], ":")
		uses := slices.ContainsFunc(alerts, func(a rule) bool { return a.Alert == name && strings.Contains(a.Expr, l.Record) })
		if !uses {
			t.Errorf("%s says that %s is of %s, which does not ask for it", alertsDoc, l.Record, name)
		}
		missing := slices.ContainsFunc(alerts, func(a rule) bool {
			return a.Alert == "RedisForkLimitsMissing" && strings.Contains(a.Expr, l.Record)
		})
		if !missing {
			t.Errorf("RedisForkLimitsMissing does not look for %s", l.Record)
		}
	}
}

var (
	runbookParts = []string{
		"## What clients feel now", "## Look", "## Stop the bleeding", "## Do not", "## The lasting cure",
	}
	metricName = regexp.MustCompile(`\bredis_fork_\w+`)
)

// A runbook is one screen of the same five parts, with three commands that each
// show a good and a bad output.
func TestRunbooks(t *testing.T) {
	for _, a := range loadAlerts(t) {
		b, err := os.ReadFile(filepath.Join(runbooks, a.Alert+".md"))
		if err != nil {
			t.Error(err)
			continue
		}
		text := string(b)
		if lines := strings.Count(text, "\n"); lines > 55 {
			t.Errorf("%s: %d lines are more than one screen", a.Alert, lines)
		}
		if !strings.HasPrefix(text, "# "+a.Alert+"\n") {
			t.Errorf("%s: the title is another", a.Alert)
		}
		var parts []string
		parts = append(parts, regexp.MustCompile(`(?m)^## .*$`).FindAllString(text, -1)...)
		if !slices.Equal(parts, runbookParts) {
			t.Errorf("%s: parts %q, want %q", a.Alert, parts, runbookParts)
		}
		_, console, _ := strings.Cut(text, "```console\n")
		console, _, _ = strings.Cut(console, "```")
		commands := strings.Split(strings.TrimSpace(console), "\n\n")
		if len(commands) != 3 {
			t.Errorf("%s: %d commands, want 3", a.Alert, len(commands))
		}
		for _, c := range commands {
			if !strings.HasPrefix(c, "$ ") || !strings.Contains(c, "\ngood: ") || !strings.Contains(c, "\nbad:  ") {
				t.Errorf("%s: want a command, a good and a bad output:\n%s", a.Alert, c)
			}
		}
		if strings.Contains(text, "pidof redis-server") {
			t.Errorf("%s: pidof redis-server finds a running child too", a.Alert)
		}
		for _, m := range regexp.MustCompile(`\]\(([\w./]+\.md)\)`).FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(runbooks, m[1])); err != nil {
				t.Errorf("%s: link to %s: %v", a.Alert, m[1], err)
			}
		}
		checkNames(t, a.Alert, text)
	}
	b, err := os.ReadFile(alertsDoc)
	if err != nil {
		t.Fatal(err)
	}
	checkNames(t, alertsDoc, string(b))
}

// checkNames fails if a text names a metric that there is not; a name may be
// the beginning of several, as in a command's pattern.
func checkNames(t *testing.T, where, text string) {
	t.Helper()
	for _, name := range metricName.FindAllString(text, -1) {
		known := name == "redis_fork_exporter"
		for _, m := range allNames() {
			known = known || strings.HasPrefix(m, name)
		}
		if !known {
			t.Errorf("%s: the exporter has no %s", where, name)
		}
	}
}

// The page for an exporter that is blind finds whatever the start page calls a problem.
func TestBlindRunbookFindsProblems(t *testing.T) {
	const mark = `class="problem`
	runbook, err := os.ReadFile(filepath.Join(runbooks, "RedisForkExporterBlind.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `grep "` + strings.ReplaceAll(mark, `"`, `\"`) + `"`; !strings.Contains(string(runbook), want) {
		t.Errorf("the runbook has no %s", want)
	}
	page, err := os.ReadFile("../exporter/pages/templates/landing.html")
	if err != nil {
		t.Fatal(err)
	}
	problems := regexp.MustCompile(`(?m)^.*\{\{with \.\w*Problem\}\}.*$`).FindAllString(string(page), -1)
	if len(problems) == 0 {
		t.Error("the start page shows no problem")
	}
	for _, p := range problems {
		if !strings.Contains(p, mark) {
			t.Errorf("the start page shows a problem without %s: %s", mark, p)
		}
	}
}
