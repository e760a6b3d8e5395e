package words_test

import (
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words/wordstest"
)

// The servers that page, check and measure are held against each other by leave
// nothing out that a forecast can say.
func TestCasesAreComplete(t *testing.T) {
	said := map[any]bool{}
	type refusal struct {
		forecast.Reason
		forecast.Rule
		refused bool
	}
	type basis struct {
		figure string
		forecast.Basis
		many bool
	}
	for _, c := range wordstest.Cases() {
		s := c.Survival()
		said[s.Verdict], said[s.Why.Ground] = true, true
		said[s.Fork.NoMemory], said[s.Fork.NoStall] = true, true
		if m, ok := s.Fork.Memory.Get(); ok {
			said[basis{"memory", m.Basis, m.Forks > 1}] = true
		}
		if stall, ok := s.Fork.Stall.Get(); ok {
			said[basis{"stall", stall.Basis, stall.Forks > 1}] = true
		}
		for _, r := range s.Refusals {
			said[refusal{r.Reason, r.Rule, r.Refused}] = true
		}
		if s.Why.Ground == forecast.TooLittle {
			said[s.Why.Limit] = true
		}
	}
	var want []any
	for _, v := range forecast.Verdicts {
		want = append(want, v)
	}
	for _, g := range forecast.Grounds {
		want = append(want, g)
	}
	for _, b := range forecast.NoBases {
		want = append(want, b)
	}
	for _, r := range forecast.Rules {
		want = append(want, refusal{forecast.ReasonOvercommit, r, false})
		if r != forecast.RuleNone {
			want = append(want, refusal{forecast.ReasonOvercommit, r, true})
		}
	}
	want = append(want,
		refusal{forecast.ReasonTasks, "", false}, refusal{forecast.ReasonTasks, "", true},
		basis{"memory", forecast.BasisCurves, false}, basis{"memory", forecast.BasisReported, false},
		basis{"memory", forecast.BasisPeaks, false}, basis{"memory", forecast.BasisPeaks, true},
		basis{"stall", forecast.BasisStalls, false}, basis{"stall", forecast.BasisStalls, true}, basis{"stall", forecast.BasisReported, false},
		forecast.LimitCgroup, forecast.LimitHost,
	)
	for _, w := range want {
		if !said[w] {
			t.Errorf("no case with %T %+v", w, w)
		}
	}
}

// Every value has words of its own.
func TestEveryValueHasWords(t *testing.T) {
	said := map[string]string{} // by text, the value
	add := func(value, text string) {
		t.Helper()
		if other, twice := said[text]; twice {
			t.Errorf("%s and %s are both %q", other, value, text)
		}
		said[text] = value
		if text == "" || strings.Contains(text, "_") && !strings.Contains(text, "vm.overcommit_memory") || strings.Contains(text, "%!") || strings.HasSuffix(text, ".") {
			t.Errorf("%s is %q", value, text)
		}
	}
	for _, v := range forecast.Verdicts {
		add("verdict "+string(v), words.Verdict(v))
	}
	refused := forecast.Refusal{Reason: forecast.ReasonTasks, Refused: true, Tasks: "pids.max"}
	for _, g := range forecast.Grounds {
		add("ground "+string(g), words.Why(forecast.Why{Ground: g, Refusal: refused, Limit: forecast.LimitHost}))
	}
	for _, b := range forecast.NoBases {
		add("no basis "+string(b), words.NoBasis(b))
	}
	for _, r := range forecast.Rules {
		add("rule "+string(r), words.Refusal(forecast.Refusal{Reason: forecast.ReasonOvercommit, Rule: r}))
		if r != forecast.RuleNone {
			add("refused by rule "+string(r), words.Refusal(forecast.Refusal{Reason: forecast.ReasonOvercommit, Rule: r, Refused: true}))
		}
	}
	for _, l := range forecast.Limits {
		add("limit "+string(l), words.Limit(l))
	}
	for _, b := range []forecast.Basis{forecast.BasisCurves, forecast.BasisPeaks, forecast.BasisReported} {
		add("memory by "+string(b), words.Memory(forecast.Memory{Basis: b, Forks: 2}))
	}
	for _, b := range []forecast.Basis{forecast.BasisStalls, forecast.BasisReported} {
		add("stall by "+string(b), words.Stall(forecast.Stall{Basis: b, Forks: 2}))
	}
	for _, k := range fork.Kinds {
		add("kind "+string(k), words.Kind(k))
	}
}

func TestSentence(t *testing.T) {
	for clause, want := range map[string]string{"it is so": "it is so.", "it is so.": "it is so.", "is it so?": "is it so?"} {
		if got := words.Sentence(clause); got != want {
			t.Errorf("%q: %q, want %q", clause, got, want)
		}
	}
}
