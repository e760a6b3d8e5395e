package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFilesAreCurrent(t *testing.T) {
	for _, d := range all() {
		want, err := d.encode()
		if err != nil {
			t.Fatal(err)
		}
		name := d.uid + ".json"
		got, err := os.ReadFile(filepath.Join("..", "..", "..", "dashboards", name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), string(want)); diff != "" {
			t.Errorf("dashboards/%s is stale: run go generate ./dashboards (-file +program):\n%s", name, diff)
		}
	}
}

// A line that is too wide or too narrow is a mistake.
func TestLinesAreFull(t *testing.T) {
	d := dashboard{rows: []row{{title: "a", lines: []line{{height: 4, panels: []panel{{width: 12}, {width: 13}}}}}}}
	if _, err := d.json(); err == nil || !strings.Contains(err.Error(), "25 of 24 columns") {
		t.Errorf("got %v", err)
	}
}
