package check

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/terminal"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

const docs = "https://github.com/redis-fork-exporter/redis_fork_exporter/blob/main/docs/check.md"

// render writes the reports as they were asked for.
func render(o *Options, reports []Report) (string, error) {
	if o.JSON {
		b, err := json.MarshalIndent(struct {
			Servers []Report `json:"servers"`
		}{reports}, "", "  ")
		return string(b) + "\n", err
	}
	var b strings.Builder
	for i := range reports {
		b.WriteString("\n" + text(&reports[i], o.Terminal.Width(), o.Terminal.Color()))
	}
	b.WriteString("\n" + terminal.Wrap("Each finding is explained under its name: "+docs, o.Terminal.Width(), 2))
	return b.String(), nil
}

// text returns the report r for people: the answer first, then the findings.
func text(r *Report, width int, color bool) string {
	if r.Error != "" {
		return terminal.Wrap(title(r), width, 2) + "\n" + terminal.Wrap("It could not be asked: "+words.Sentence(r.Error), width, 2)
	}
	var b strings.Builder
	b.WriteString(terminal.Wrap(title(r), width, 2) + "\n")
	b.WriteString(terminal.Wrap("Will it survive its next fork? "+words.Answer(&r.survival), width, 2) + "\n")
	b.WriteString(terminal.Table(words.Outlook(&r.survival), width) + "\n")
	for _, f := range r.Findings {
		b.WriteString(line(f, width, color))
	}
	return b.String()
}

func title(r *Report) string {
	t := r.Addr
	if r.Server != r.Addr {
		t = r.Server + " (" + r.Addr + ")"
	}
	if r.Error != "" {
		return t
	}
	t += ": " + r.Software + " " + r.Version
	if bytes, ok := r.ResidentBytes.Get(); ok {
		t += ", " + words.Bytes(bytes) + " resident"
	}
	if pid, ok := r.PID.Get(); ok {
		t += ", process " + strconv.Itoa(pid)
	}
	return t
}

const (
	levelWidth = 9  // columns; "unknown" is the longest
	nameWidth  = 18 // columns; "delay-accounting" is the longest
)

// line returns the finding f, and below it what mends it.
func line(f Finding, width int, color bool) string {
	indent := 2 + levelWidth + nameWidth
	why := terminal.Wrap(f.Why, width, indent)
	head := "  " + pad(string(f.Level), levelWidth) + pad(f.Name, nameWidth)
	why = head + strings.TrimPrefix(why, strings.Repeat(" ", indent))
	if color {
		why = strings.Replace(why, string(f.Level), colored(f.Level), 1)
	}
	if f.Mend == "" {
		return why
	}
	mend := terminal.Wrap("→ "+f.Mend, width, indent)
	return why + mend
}

func colored(l Level) string {
	return map[Level]string{OK: "\x1b[32m", Unknown: "\x1b[35m", Warn: "\x1b[33m", Fail: "\x1b[31m"}[l] + string(l) + "\x1b[0m"
}

func pad(s string, width int) string { return s + strings.Repeat(" ", max(1, width-len(s))) }
