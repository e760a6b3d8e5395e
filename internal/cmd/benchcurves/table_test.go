package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	tab := table{head: []string{"a", "b"}}
	tab.add("1", "2")
	var b strings.Builder
	if err := tab.print(&b); err != nil {
		t.Fatal(err)
	}
	if want := "| a | b |\n|---|---|\n| 1 | 2 |\n\n"; b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}
