package terminal_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/terminal"
)

func TestTable(t *testing.T) {
	rows := []terminal.Row{
		{"stall", "38.4 ms", "25.6 ms per GiB"},
		{"copies", "1.20 GB", "took the server 2.03 s of its time, 100 ms per second and more"},
		{"tail", "given up after 60 s", "88,140 write faults"},
		{"nothing", "", ""},
		{"", "9 µs", "a note"},
	}
	for _, test := range []struct {
		width int
		want  string
	}{
		{80, `
  stall    38.4 ms       25.6 ms per GiB
  copies   1.20 GB       took the server 2.03 s of its time, 100 ms per second
                         and more
  tail     given up after 60 s  88,140 write faults
  nothing
           9 µs          a note
`},
		{40, `
  stall    38.4 ms
    25.6 ms per GiB
  copies   1.20 GB
    took the server 2.03 s of its time,
    100 ms per second and more
  tail     given up after 60 s
    88,140 write faults
  nothing
           9 µs
    a note
`},
	} {
		if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), terminal.Table(rows, test.width)); diff != "" {
			t.Errorf("%d columns (-want +got):\n%s", test.width, diff)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text          string
		width, indent int
		want          string
	}{
		{"", 20, 2, ""},
		{"one two three", 20, 2, "  one two three\n"},
		{"one two three", 9, 2, "  one two\n  three\n"},
		{"unbreakable words", 5, 1, " unbreakable\n words\n"},
		{"µµµ µµµ", 7, 0, "µµµ µµµ\n"},
	} {
		if got := terminal.Wrap(test.text, test.width, test.indent); got != test.want {
			t.Errorf("%q in %d: %q, want %q", test.text, test.width, got, test.want)
		}
	}
}
