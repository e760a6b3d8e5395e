package exporter

import (
	"strings"
	"testing"
)

func TestTelemetryPath(t *testing.T) {
	for _, test := range []struct{ name, path, want string }{ // want "": no error
		{"no path", "", "begins with /"},
		{"the landing page", "/", "not / itself"},
		{"no slash", "metrics", "begins with /"},
		{"a deeper path", "/a/b", ""},
		{"a pattern", "/{x", "plain path"},
		{"two slashes", "//metrics", "plain path"},
		{"a tree", "/metrics/", "plain path"},
		{"a blank", "/a b", "plain path"},
		{"health's", "/-/healthy", "own pages"},
		{"the curve's", "/curve", "own pages"},
		{"the forks'", "/forks", "own pages"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := checkTelemetryPath(test.path)
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			c := testConfig(t, "localhost")
			c.TelemetryPath = test.path
			if run := Run(t.Context(), c); run == nil || !strings.HasSuffix(run.Error(), err.Error()) {
				t.Errorf("Run says %v, want the same", run)
			}
		})
	}
}

func TestRunWithoutServers(t *testing.T) {
	if err := Run(t.Context(), testConfig(t)); err == nil || !strings.Contains(err.Error(), "--server=ADDR") {
		t.Errorf("error %v, want one that names the flag", err)
	}
}
