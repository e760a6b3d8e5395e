package pages

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
)

// outcomeRunning stands for the forks that have no outcome yet.
const outcomeRunning = "running"

// outcomes are what ?outcome= may be, in the order in which people read them.
func outcomes() []string {
	return []string{
		outcomeRunning, string(history.OutcomeOK), string(history.OutcomeFailed), string(history.OutcomeKilled), string(history.OutcomeOOM),
		string(history.OutcomeCancelled), string(history.OutcomeServerDied), string(history.OutcomeUnknown),
	}
}

// filter chooses forks; an empty field chooses all.
type filter struct {
	Server, Kind, Outcome string
	Limit                 int // 0: no limit
}

// parseFilter reads a query strictly: a misspelled parameter would otherwise
// return every fork and look like an answer.
func parseFilter(q url.Values) (filter, error) {
	var f filter
	for name, values := range q {
		if len(values) > 1 {
			return f, fmt.Errorf("parameter %q is given %d times; give it once", name, len(values))
		}
		v := values[0]
		switch name {
		case "server":
			f.Server = v
		case "kind":
			if v != "" && !slices.Contains(history.Kinds[:], history.Kind(v)) {
				return f, fmt.Errorf("no kind %q; the kinds are %s", v, kindList())
			}
			f.Kind = v
		case "outcome":
			if v != "" && !slices.Contains(outcomes(), v) {
				return f, fmt.Errorf("no outcome %q; the outcomes are %s", v, strings.Join(outcomes(), ", "))
			}
			f.Outcome = v
		case "limit":
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 {
				return f, fmt.Errorf("limit %q is not a whole number from 1", v)
			}
			f.Limit = n
		default:
			return f, fmt.Errorf("no parameter %q; there are server, kind, outcome and limit", name)
		}
	}
	return f, nil
}

func (f filter) match(x *history.Fork) bool {
	outcome := string(x.Outcome)
	if outcome == "" {
		outcome = outcomeRunning
	}
	return (f.Server == "" || f.Server == x.Server) &&
		(f.Kind == "" || f.Kind == string(x.Kind)) &&
		(f.Outcome == "" || f.Outcome == outcome)
}

// apply returns the chosen forks in their order, at most Limit of them, and how
// many there would be without the limit.
func (f filter) apply(forks []history.Fork) (chosen []history.Fork, matched int) {
	chosen = []history.Fork{}
	for i := range forks {
		if !f.match(&forks[i]) {
			continue
		}
		matched++
		if f.Limit == 0 || len(chosen) < f.Limit {
			chosen = append(chosen, forks[i])
		}
	}
	return chosen, matched
}

// query is the filter as a query string with its "?", "" for no filter.
func (f filter) query() string {
	q := url.Values{}
	for name, v := range map[string]string{"server": f.Server, "kind": f.Kind, "outcome": f.Outcome} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func kindList() string {
	names := make([]string, len(history.Kinds))
	for i, k := range history.Kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}
