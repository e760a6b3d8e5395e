package dashboards_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
)

// substitute puts values in the place of Grafana's variables, as Grafana would.
var substitute = strings.NewReplacer(
	"$__rate_interval", "1m",
	"$__interval", "15s",
	"$__range", "6h",
	"$window", "1d",
	"$job", "redis-fork",
	"$instance", "(db-1:10121|db-2:10121)",
	"$server", ".*",
	"$kind", ".*",
	"$hostlabel", "instance",
)

// fleetSubstitute chooses everything.
var fleetSubstitute = strings.NewReplacer(
	"$__rate_interval", "1m", "$__interval", "15s", "$__range", "6h", "$window", "1d",
	"$job", ".*", "$instance", ".*", "$server", ".*", "$kind", ".*", "$hostlabel", "instance",
)

// leftover is a variable that nobody replaced; $1 is label_replace's, and none.
var leftover = regexp.MustCompile(`\$[A-Za-z_]\w*|\$\{|\[\[`)

// TestExpressionsParse has Prometheus' own parser read every expression, as a
// recording rule.
func TestExpressionsParse(t *testing.T) {
	for _, d := range load(t) {
		t.Run(d.file, func(t *testing.T) {
			var rules strings.Builder
			rules.WriteString("groups:\n- name: expressions\n  rules:\n")
			for n, e := range d.expressions() {
				expr := substitute.Replace(e.text)
				if v := leftover.FindString(expr); v != "" {
					t.Errorf("%s: unknown variable %q", e.where, v)
				}
				// The name is what promtool's complaint is recognized by.
				fmt.Fprintf(&rules, "  # %s\n  - record: expression:%d\n    expr: |-\n      %s\n",
					e.where, n, strings.ReplaceAll(expr, "\n", "\n      "))
			}
			file := filepath.Join(t.TempDir(), "rules.yaml")
			if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			promtool := testutil.Program(t, "promtool", "prometheus")
			out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", file).CombinedOutput()
			if err != nil {
				t.Errorf("promtool check rules: %v\n%s\nThe rules:\n%s", err, out, rules.String())
			}
		})
	}
}
