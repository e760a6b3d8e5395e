package dashboards_test

import (
	"regexp"
	"slices"
	"testing"
)

// inhibitFile is for Alertmanager, of which there is no parser here: what it
// would not see is that an alert has another name.
const inhibitFile = "redis-fork-inhibit.yaml"

var nameMatcher = regexp.MustCompile(`^alertname=(~?)"([\w|]+)"$`)

func TestInhibitions(t *testing.T) {
	var file struct {
		Rules []struct {
			Source []string `yaml:"source_matchers"`
			Target []string `yaml:"target_matchers"`
			Equal  []string
		} `yaml:"inhibit_rules"`
	}
	decodeYAML(t, inhibitFile, &file)
	alerts := loadAlerts(t)
	holdsBack := map[[2]string]bool{}
	for _, r := range file.Rules {
		if want := []string{"job", "instance", "server"}; !slices.Equal(r.Equal, want) {
			t.Errorf("equal is %q, want %q: it must be the same server", r.Equal, want)
		}
		sources, targets := alertsNamed(t, alerts, r.Source), alertsNamed(t, alerts, r.Target)
		for _, target := range targets {
			if target.Labels["severity"] == "critical" {
				t.Errorf("%s would not page", target.Alert)
			}
			for _, source := range sources {
				holdsBack[[2]string{source.Alert, target.Alert}] = true
			}
		}
	}
	if len(holdsBack) == 0 {
		t.Fatal("no inhibition")
	}
	for pair := range holdsBack {
		if holdsBack[[2]string{pair[1], pair[0]}] {
			t.Errorf("%s and %s hold each other back", pair[0], pair[1])
		}
	}
}

// alertsNamed returns the alerts that matchers are about.
func alertsNamed(t *testing.T, alerts []rule, matchers []string) []rule {
	t.Helper()
	if len(matchers) != 1 {
		t.Fatalf("matchers %q, want one", matchers)
	}
	m := nameMatcher.FindStringSubmatch(matchers[0])
	if m == nil {
		t.Fatalf("matcher %s, want alertname=\"…\" or alertname=~\"…|…\"", matchers[0])
	}
	var out []rule
	for _, name := range regexp.MustCompile(`\|`).Split(m[2], -1) {
		i := slices.IndexFunc(alerts, func(r rule) bool { return r.Alert == name })
		if i < 0 {
			t.Errorf("there is no alert %s", name)
			continue
		}
		out = append(out, alerts[i])
	}
	if (m[1] == "~") != (len(out) > 1) {
		t.Errorf("matcher %s: =~ is for several names, = for one", matchers[0])
	}
	return out
}
