package terminal

import "strings"

// Row is a line of a table: what it is, how much, and what to know about it. It is an
// alias, so that a package that makes rows need not import this one.
type Row = struct{ Name, Value, Note string }

const (
	indent     = 2
	columnGap  = 2
	noteLeast  = 24 // columns; where the notes had less, they stand below
	valueWidth = 12 // columns; a longer value moves its own note only
)

// Table returns rows as text in three columns, at most width columns wide. Notes are
// broken into lines, names and values are not.
func Table(rows []Row, width int) string {
	var b strings.Builder
	name := 0
	for _, r := range rows {
		name = max(name, columns(r.Name))
	}
	for _, r := range rows {
		line := strings.Repeat(" ", indent) + pad(r.Name, name+columnGap) + pad(r.Value, valueWidth)
		note := indent + name + columnGap + valueWidth + columnGap
		if columns(r.Value) > valueWidth && r.Note != "" {
			line += "  "
		}
		if width-note < noteLeast {
			note = indent + columnGap
			line = strings.TrimRight(line, " ") + "\n"
		} else {
			line = pad(line, note)
		}
		first := columns(line)
		if strings.HasSuffix(line, "\n") {
			first = 0
		}
		for i, part := range wrap(r.Note, width-note, width-max(first, note)) {
			if i > 0 || first == 0 {
				line = strings.TrimRight(line, " \n") + "\n" + strings.Repeat(" ", note)
			}
			line += part
		}
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

// Wrap returns text broken into lines of at most width columns, each after indent
// spaces. A longer word stays whole.
func Wrap(text string, width, indent int) string {
	var b strings.Builder
	for _, line := range wrap(text, width-indent, width-indent) {
		b.WriteString(strings.Repeat(" ", indent) + line + "\n")
	}
	return b.String()
}

// wrap returns text broken into lines of at most width columns; the first line has at
// most first.
func wrap(text string, width, first int) []string {
	var lines []string
	line, room := "", first
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) <= room:
			line += " " + word
		default:
			lines, line, room = append(lines, line), word, width
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// pad returns s with spaces after it, width columns wide.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-columns(s)))
}

// columns returns how many columns s takes. All characters that are written here take
// one.
func columns(s string) int { return len([]rune(s)) }
