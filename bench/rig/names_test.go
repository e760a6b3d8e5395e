package rig

import (
	"os"
	"strings"
	"testing"
)

// Whoever renames a metric that a bench reads has to say so in renamed.
func TestNamesAreThoseOfTheDocuments(t *testing.T) {
	b, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := func(metric string) bool { return strings.Contains(string(b), "`"+metric+"`") }
	for today, before := range renamed() {
		known := documented(today)
		for _, old := range before {
			known = known || documented(old.metric)
		}
		if !known {
			t.Errorf("docs/metrics.md knows %s by no name", today)
		}
	}
}
