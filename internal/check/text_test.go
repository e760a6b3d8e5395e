package check

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/terminal"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/golden"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words/wordstest"
)

// sick is a server with something of each level.
func sick() facts {
	f := healthy()
	f.set("oom-score-adj", "no")
	f.oomGroup = opt.Of("/redis.service")
	f.disk = none[proc.Disk]()
	f.state.Name = "sessions"
	return f
}

func TestText(t *testing.T) {
	f, s, down := healthy(), sick(), healthy()
	down.state.Up, down.state.Problem = false, "connection refused: is the server running and is 127.0.0.1:6379 right?"
	golden.Check(t, "healthy.txt", text(new(f.report()), 80, false))
	golden.Check(t, "sick.txt", text(new(s.report()), 80, false))
	golden.Check(t, "sick-wide.txt", text(new(s.report()), 120, false))
	golden.Check(t, "down.txt", text(new(down.report()), 80, false))
	plain, colored := text(new(s.report()), 80, false), text(new(s.report()), 80, true)
	if got := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(colored, ""); got != plain || colored == plain {
		t.Errorf("without its colors it is another text:\n%s", cmp.Diff(plain, got))
	}
	for line := range strings.Lines(plain) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}

// Whatever there is to say of the next fork, check says it in the words that the page
// has, in both its formats.
func TestSurvivalInWords(t *testing.T) {
	for _, c := range wordstest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			f := facts{state: c.State, host: c.Host}
			r, s := f.report(), c.Survival()
			said := text(&r, 10_000, false)
			for _, want := range wordstest.Sentences(&s) {
				if !strings.Contains(said, want) {
					t.Errorf("no %q in\n%s", want, said)
				}
			}
			for _, refusal := range s.Refusals {
				if want := words.Refusal(refusal); (refusal.Refused || s.Why.Ground != forecast.Refused) && !strings.Contains(said, want) {
					t.Errorf("no %q in\n%s", want, said)
				}
			}
			if r.Why != words.Why(s.Why) {
				t.Errorf("as JSON: %q", r.Why)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	s, down := sick(), healthy()
	down.state.Up, down.state.Problem = false, "connection refused"
	var out bytes.Buffer
	none := func() int { return 0 }
	o := &Options{JSON: true, Terminal: terminal.Make(terminal.Files{Out: &out, Err: &out, OutWidth: none, ErrWidth: none})}
	got, err := render(o, []Report{s.report(), down.report()})
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "report.json", got)
	var back struct{ Servers []map[string]any }
	if err := json.Unmarshal([]byte(got), &back); err != nil || len(back.Servers) != 2 {
		t.Errorf("%v, %d servers", err, len(back.Servers))
	}
}

// The exporter's forks of this server: by its name, or else by its process.
func TestPastForks(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	recorded := func(id, server string, pid int, kind fork.Kind, o fork.Outcome, minute int) fork.Record {
		return fork.Record{ID: id, Server: server, ServerPID: pid, Kind: kind, Outcome: o, Start: at.Add(time.Duration(minute) * time.Minute)}
	}
	past := []fork.Record{
		recorded("old", "s", 7, fork.KindRDB, fork.OutcomeOK, 1),
		recorded("new", "s", 42, fork.KindAOF, fork.OutcomeKilled, 3),
		recorded("running", "s", 42, fork.KindRDB, "", 4),
		recorded("other", "t", 42, fork.KindRDB, fork.OutcomeOK, 2),
	}
	ids := func(st track.State) (out []string) {
		for _, f := range of(past, &st) {
			out = append(out, f.ID)
		}
		return out
	}
	for _, test := range []struct {
		st   track.State
		want []string
	}{
		{track.State{Name: "s", PID: opt.Of(42)}, []string{"new", "old"}},
		{track.State{Name: "127.0.0.1:6379", PID: opt.Of(42)}, []string{"new", "other"}},
		{track.State{Name: "127.0.0.1:6379", PID: opt.Of(43)}, nil},
		{track.State{Name: "127.0.0.1:6379"}, nil},
	} {
		if got := ids(test.st); !cmp.Equal(got, test.want) {
			t.Errorf("%s, process %v: %q, want %q", test.st.Name, test.st.PID, got, test.want)
		}
	}
	var many []fork.Record
	for i := range 3 * track.RecentForks {
		many = append(many, recorded("x", "s", 42, fork.KindRDB, fork.OutcomeOK, i))
	}
	got := of(many, &track.State{Name: "s"})
	if len(got) != track.RecentForks || !got[0].Start.After(got[1].Start) || got[0].Start != many[len(many)-1].Start {
		t.Errorf("%d forks, the first at %v", len(got), got[0].Start)
	}
}
