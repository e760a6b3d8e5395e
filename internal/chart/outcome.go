package chart

import "github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"

// OutcomeClass returns what o means to the reader: run, ok, bad, cut (cancelled on
// purpose) or unk. It names the color and the shape.
func OutcomeClass(o fork.Outcome) string {
	if o == "" {
		return "run"
	}
	if _, bad := o.Reason(); bad {
		return "bad"
	}
	switch o { //nolint:exhaustive // the failures are above, the rest is unknown
	case fork.OutcomeOK:
		return "ok"
	case fork.OutcomeCancelled:
		return "cut"
	}
	return "unk"
}
