package main

import (
	"fmt"
	"strings"
)

// A server is job, instance and server together. So every selector filters by all
// three, and no expression groups by one of them or joins on it.
const (
	exporterFilter = `job=~"$job",instance=~"$instance"`
	serverFilter   = exporterFilter + `,server=~"$server"`
	kindFilter     = serverFilter + `,kind=~"$kind"`
	// The curve is scraped by another job, so only the rest can tell whose it is.
	curveFilter = `instance=~"$instance",server=~"$server"`
)

func selector(metric, filter string, more []string) string {
	return "redis_fork_" + metric + "{" + strings.Join(append([]string{filter}, more...), ",") + "}"
}

// host is a metric of the exporter's host, of one of the chosen exporters.
func host(metric string, more ...string) string { return selector(metric, exporterFilter, more) }

// of is a metric of the chosen servers, by more matchers.
func of(metric string, more ...string) string { return selector(metric, serverFilter, more) }

// kinds is a metric of the chosen servers by kind, of the chosen kinds.
func kinds(metric string, more ...string) string { return selector(metric, kindFilter, more) }

// curve is a series of /curve.
func curve(metric string) string { return selector("curve_"+metric, curveFilter, nil) }

// f is short for Sprintf: expressions are long enough.
func f(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func increase(series string) string { return "increase(" + series + "[$window])" }

func rate(series string) string { return "rate(" + series + "[$__rate_interval])" }

// newest keeps of a metric of the last forks that of the newest one, of whatever kind.
func newest(metric string) string {
	start := of("last_start_timestamp_seconds")
	return f("%s and (%s == ignoring (kind) group_left () max without (kind) (%s))", of(metric), start, start)
}

// atFork keeps of a metric of the last forks, chosen by of or kinds, the points at
// which a fork is new.
func atFork(choose func(string, ...string) string, metric string) string {
	start := choose("last_start_timestamp_seconds")
	return f("%[1]s and ((%[2]s != (%[2]s offset $__interval)) or (%[2]s unless (%[2]s offset $__interval)))", choose(metric), start)
}

// need is what the next fork needs, as the alert sees it where the rules are loaded:
// they remember the week's highest peak. Else it is the forecast alone.
func need() string {
	return f("(redis_fork:need_bytes{%s} or %s)", serverFilter, of("next_memory_expected_bytes"))
}

// tightest is what the tightest limit leaves.
func tightest() string { return f("min without (limit) (%s)", of("headroom_bytes")) }

// share is a need as a share of the room for it. Where there is no room at all it is
// a large one, as without any it would be sorted last; 100 is enough to be read.
func share(need, room string) string {
	return f("clamp_max(%s / clamp_min(%s, 1), 100)", need, room)
}

// ten keeps ten of many series, chosen once for all the time that is shown: chosen
// anew at each moment they are more in the end.
func ten(which, over, expr string) string {
	return f("%[3]s and %[1]s(10, %[2]s((%[3]s)[$__range:$__interval] @ end()))", which, over, expr)
}

// forked keeps what is about servers that forked in the window.
func forked() string { return increase(of("stall_seconds_count")) + " > 0" }

// peaks counts the forks of the window whose peak ratio lies above one limit of a bucket
// and not above another; "" is no limit. Prometheus writes the limit 1 as 1.0 where it
// scrapes OpenMetrics.
func peaks(above, upTo string) string {
	count := increase(of("private_dirty_peak_ratio_count"))
	below := func(limit string) string {
		le := f("le=%q", limit)
		switch limit {
		case "":
			return count
		case "1":
			le = `le=~"1|1.0"`
		}
		return f("sum without (le) (%s)", increase(of("private_dirty_peak_ratio_bucket", le)))
	}
	forks := below(upTo)
	if above != "" {
		forks += " - " + below(above)
	}
	return f("round(%s) and %s > 0", forks, count)
}

// unnamed drops a metric's name, without which a table joins it to others.
func unnamed(expr string) string { return "max without () (" + expr + ")" }
