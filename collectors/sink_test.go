package collectors

import (
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

func TestLabelsThatAreNoUTF8(t *testing.T) {
	s := idle("caf\xe9")
	s.Info.Version = "7.4\xff"
	other := idle("caf\xe8") // differs in the bad byte only
	text := exposition(t, history.Snapshot{Servers: []track.State{s, other}})
	for _, want := range []string{
		`redis_fork_up{server="caf\\xe9"} 1`, // escaped once more by the format
		`redis_fork_up{server="caf\\xe8"} 1`,
		`version="7.4\\xff"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in:\n%s", want, text)
		}
	}
}

func TestValidLabel(t *testing.T) {
	for in, want := range map[string]string{
		"":              "",
		"größe\n":       "größe\n",
		"\ufffd":        "\ufffd", // a replacement character is valid
		"a\x80\xffb":    `a\x80\xffb`,
		"\xe2\x82":      `\xe2\x82`,
		"\xed\xa0\x80":  `\xed\xa0\x80`, // a surrogate
		"ok \xf0\x9f!é": `ok \xf0\x9f!é`,
	} {
		if got := LabelValue(in); got != want {
			t.Errorf("LabelValue(%q) = %q, want %q", in, got, want)
		}
	}
}
