package rig

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// Table is one Markdown table and what is to be said above it.
type Table struct {
	Title string // empty: none
	Notes []string
	Head  []string
	Rows  [][]string
}

// Row adds a row of cells.
func (t *Table) Row(cells ...string) { t.Rows = append(t.Rows, cells) }

// Print writes the table to w as Markdown.
func (t *Table) Print(w io.Writer) error {
	var b strings.Builder
	if t.Title != "" {
		fmt.Fprintf(&b, "### %s\n\n", t.Title)
	}
	for _, n := range t.Notes {
		fmt.Fprintf(&b, "%s\n\n", n)
	}
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.Head)
	fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(t.Head)))
	for _, r := range t.Rows {
		line(r)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

// Figure returns x with three digits or so, "–" where there is nothing to show.
func Figure(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return "–"
	case a >= 100:
		return fmt.Sprintf("%.0f", x)
	case a >= 10:
		return fmt.Sprintf("%.1f", x)
	case a >= 1:
		return fmt.Sprintf("%.2f", x)
	default:
		return fmt.Sprintf("%.3f", x)
	}
}
