package api

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// outcomeRunning stands for the forks that have no outcome yet.
const outcomeRunning = "running"

// Outcomes returns what ?outcome= may be, in the order in which people read them.
func Outcomes() []string {
	return []string{
		outcomeRunning, string(fork.OutcomeOK), string(fork.OutcomeFailed), string(fork.OutcomeKilled), string(fork.OutcomeOOM),
		string(fork.OutcomeCancelled), string(fork.OutcomeServerDied), string(fork.OutcomeUnknown),
	}
}

// Filter chooses forks; an empty field chooses all.
type Filter struct {
	Server, Kind, Outcome string
	Limit                 int // 0: no limit
	// At chooses one fork: the newest of those that had begun then.
	At opt.Val[time.Time]
}

// atSlack is how much later than At a fork may have begun: a start that has been
// through Prometheus and Grafana is rounded.
const atSlack = 10 * time.Millisecond

// ParseFilter returns the filter that the query q asks for. It is strict: a misspelled
// parameter would otherwise return every fork and look like an answer. Beside an error
// it returns what it has read of the filter so far.
func ParseFilter(q url.Values) (Filter, error) {
	var f Filter
	for name, values := range q {
		if len(values) > 1 {
			return f, fmt.Errorf("parameter %q is given %d times; give it once", name, len(values))
		}
		v := values[0]
		switch name {
		case "server":
			f.Server = v
		case "kind":
			if v != "" && !slices.Contains(fork.Kinds[:], fork.Kind(v)) {
				return f, fmt.Errorf("no kind %q; the kinds are %s", v, kindList())
			}
			f.Kind = v
		case "outcome":
			if v != "" && !slices.Contains(Outcomes(), v) {
				return f, fmt.Errorf("no outcome %q; the outcomes are %s", v, strings.Join(Outcomes(), ", "))
			}
			f.Outcome = v
		case "limit":
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 {
				return f, fmt.Errorf("limit %q is not a whole number from 1", v)
			}
			f.Limit = n
		case "at":
			ms, err := strconv.ParseFloat(v, 64)
			if err != nil || math.IsNaN(ms) || math.Abs(ms) > 1e15 {
				return f, fmt.Errorf("at %q is not a time in milliseconds since 1970", v)
			}
			f.At = opt.Of(time.UnixMicro(int64(ms * 1000)))
		default:
			return f, fmt.Errorf("no parameter %q; there are server, kind, outcome, limit and at", name)
		}
	}
	return f, nil
}

// match reports whether x is among the forks that f chooses from.
func (f *Filter) match(x *fork.Record) bool {
	if at, ok := f.At.Get(); ok && x.Start.After(at.Add(atSlack)) {
		return false
	}
	outcome := string(x.Outcome)
	if outcome == "" {
		outcome = outcomeRunning
	}
	return (f.Server == "" || f.Server == x.Server) &&
		(f.Kind == "" || f.Kind == string(x.Kind)) &&
		(f.Outcome == "" || f.Outcome == outcome)
}

// Apply returns those of forks that f chooses in their order, at most Limit of them, and
// how many there would be without the limit.
func (f *Filter) Apply(forks []fork.Record) (chosen []fork.Record, matched int) {
	chosen = []fork.Record{}
	for i := range forks {
		if !f.match(&forks[i]) {
			continue
		}
		matched++
		if f.At.Present() || f.Limit == 0 || len(chosen) < f.Limit {
			chosen = append(chosen, forks[i])
		}
	}
	if f.At.Present() && matched > 0 {
		newest := slices.MaxFunc(chosen, func(a, b fork.Record) int { return a.Start.Compare(b.Start) })
		return []fork.Record{newest}, 1
	}
	return chosen, matched
}

// Query returns f without its limit as a query string with its "?", "" for no filter.
func (f *Filter) Query() string {
	q := url.Values{}
	for name, v := range map[string]string{"server": f.Server, "kind": f.Kind, "outcome": f.Outcome} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if at, ok := f.At.Get(); ok {
		q.Set("at", strconv.FormatInt(at.UnixMilli(), 10))
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func kindList() string {
	names := make([]string, len(fork.Kinds))
	for i, k := range fork.Kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}
