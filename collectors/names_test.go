package collectors

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxHelp is how long a help may be. Helps are half of a scrape's bytes.
const maxHelp = 120

// field is a word in parentheses: what a help quotes from INFO.
var field = regexp.MustCompile(`[(,] ?([a-zA-Z_]+_[a-zA-Z_]+)`)

// A help is one sentence; what else there is to know is for the docs.
func TestHelpIsOneSentence(t *testing.T) {
	for _, m := range All() {
		sentence, closed := strings.CutSuffix(m.Help, ".")
		switch {
		case !closed, strings.Contains(sentence, ". "), strings.Contains(sentence, ": "), strings.Contains(sentence, "\n"):
			t.Errorf("%s: the help is not one sentence: %q", m.Name, m.Help)
		case len(m.Help) > maxHelp:
			t.Errorf("%s: a help of %d characters, %d are allowed: %q", m.Name, len(m.Help), maxHelp, m.Help)
		case m.Note != "" && !strings.HasSuffix(m.Note, "."):
			t.Errorf("%s: the note does not end: %q", m.Name, m.Note)
		}
	}
}

// What INFO says names the field, so that it is found in the server's documentation.
func TestHelpNamesTheField(t *testing.T) {
	fields, err := os.ReadFile("../internal/redisinfo/fields.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range All() {
		if !strings.HasPrefix(m.Needs, "INFO") && !strings.HasPrefix(m.Name, "redis_fork_reported_") {
			continue
		}
		named := field.FindAllStringSubmatch(m.Help, -1)
		if len(named) == 0 {
			t.Errorf("%s comes from INFO, and the help names no field: %q", m.Name, m.Help)
		}
		for _, f := range named {
			if !strings.Contains(string(fields), `"`+f[1]+`"`) {
				t.Errorf("%s: nobody reads a field %s", m.Name, f[1])
			}
		}
	}
}

// group is what follows redis_fork_ in a name, and what that says of the metric.
type group struct {
	prefix string
	holds  func(m *Metric) bool
}

// groups are all there are; the first that fits counts. CONTRIBUTING.md has the rules in
// words.
var groups = []group{
	{"reported_", func(m *Metric) bool { return strings.HasPrefix(m.Needs, "INFO") }},
	{"last_", func(m *Metric) bool { return m.Type == Gauge && slices.Contains(m.Labels, "kind") }},
	{"next_", gauge},
	{"headroom_", gauge},
	{"limit_known", gauge},
	{"child_seconds_total", counter}, // how long there was one
	{"child_", gauge},
	{"children_", counter},
	{"exporter_", counter},
	{"curve_", func(m *Metric) bool { return m.Type == Gauge && m.Endpoint == "/curve" }},
	{"host_info", func(m *Metric) bool { return !m.PerServer }},
	{"server_", gauge},
	{"source_available", gauge},
	{"save_interval_", gauge},
	{"up", gauge},
	// What is counted of all forks.
	{"stall_seconds", func(m *Metric) bool { return m.Type == Histogram }},
	{"stall_resident_bytes_total", counter},
	{"private_dirty_peak_ratio", func(m *Metric) bool { return m.Type == Histogram }},
	{"copied_bytes_total", counter},
	{"copy_stall_seconds_total", counter},
	{"estimated_copy_stall_seconds_total", counter},
	{"write_faults_total", counter},
	{"refused_total", counter},
	{"unobserved_", counter},
}

func gauge(m *Metric) bool   { return m.Type == Gauge }
func counter(m *Metric) bool { return m.Type == Counter }

// units come last in a name, or before total.
var units = []string{"bytes", "seconds", "ratio", "info"}

func TestNames(t *testing.T) {
	for _, m := range All() {
		name, ours := strings.CutPrefix(m.Name, "redis_fork_")
		if !ours || !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(name) {
			t.Errorf("%s: not redis_fork_ and words", m.Name)
		}
		i := slices.IndexFunc(groups, func(g group) bool { return strings.HasPrefix(name, g.prefix) })
		if i < 0 {
			t.Errorf("%s belongs to no group: with a new one comes a rule, here and in CONTRIBUTING.md", m.Name)
		} else if !groups[i].holds(&m) {
			t.Errorf("%s is not what %s says", m.Name, groups[i].prefix)
		}
		base, total := strings.CutSuffix(name, "_total")
		if total != (m.Type == Counter) {
			t.Errorf("%s is a %s: counters, and nothing else, end in _total", m.Name, m.Type)
		}
		words := strings.Split(base, "_")
		for _, w := range words[:len(words)-1] {
			if slices.Contains(units, w) {
				t.Errorf("%s: the unit %s does not come last", m.Name, w)
			}
		}
		for _, l := range m.Labels {
			if !slices.Contains([]string{"kind", "phase", "limit", "reason", "source"}, l) && !strings.HasSuffix(name, "_info") {
				t.Errorf("%s: a label %q: does it split one quantity, or are they two?", m.Name, l)
			}
		}
	}
}
