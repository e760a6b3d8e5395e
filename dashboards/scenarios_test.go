package dashboards_test

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
)

// The situations in which every alert has to be silent. Time is in minutes, and
// begins at 0 as it does for promtool.
const (
	minutes = 5 * 60

	// A server with "save 3600 1" that always has changes saves 60 minutes after
	// its last save, and that takes 6.
	idleFor  = 60
	savesFor = 6
	cycle    = idleFor + savesFor

	gib = 1 << 30
)

// sampled are all series of one server at one moment, but for its identity.
type sampled map[string]float64

// health is a server in good health and its exporter, started in these minutes.
// Before minute 0 is long ago.
type health struct{ server, exporter int }

var longAgo = health{server: -100 * cycle, exporter: -50 * cycle}

// forks is how many the server has made up to a minute, and saves how many of
// them have ended.
func (h health) forks(m int) int { return cycles(m - h.server + savesFor) }
func (h health) saves(m int) int { return cycles(m - h.server) }

// cycles rounds down, below 0 too: an exporter may be older than its server.
func cycles(m int) int { return int(math.Floor(float64(m) / cycle)) }

// at is everything that the alerts look at. A test sees to it that it is.
func (h health) at(m int) sampled {
	forks, saves := h.forks(m)-h.forks(h.exporter), h.saves(m)-h.saves(h.exporter)
	saving := h.forks(m) > h.saves(m)
	began := h.server + h.saves(m)*cycle // what the server does now
	s := sampled{
		`redis_fork_up`: 1,
		`redis_fork_source_available{source="process"}`:                         1,
		`redis_fork_source_available{source="child_smaps"}`:                     1,
		`redis_fork_source_available{source="cgroup"}`:                          1,
		`redis_fork_source_available{source="taskstats"}`:                       1,
		`redis_fork_exporter_read_errors_total{source="info",reason="auth"}`:    0,
		`redis_fork_exporter_read_errors_total{source="info",reason="timeout"}`: 0,
		`redis_fork_server_start_time_seconds`:                                  float64(60 * h.server),
		`redis_fork_stall_seconds_count`:                                        float64(forks),
		`redis_fork_stall_seconds_bucket{le="0.1"}`:                             0,
		`redis_fork_stall_seconds_bucket{le="0.5"}`:                             float64(forks),
		`redis_fork_child_running{kind="rdb"}`:                                  0,
		`redis_fork_child_running{kind="aof"}`:                                  0,
		`redis_fork_child_running{kind="replication"}`:                          0,
		`redis_fork_children_total{kind="rdb"}`:                                 float64(saves),
		`redis_fork_children_total{kind="replication"}`:                         0,
		`redis_fork_children_cancelled_total{kind="rdb"}`:                       0,
		`redis_fork_refused_total{kind="rdb"}`:                                  0,
		`redis_fork_refused_total{kind="aof"}`:                                  0,
		`redis_fork_copy_stall_seconds_total`:                                   float64(forks), // 1 s at each fork's birth
		`redis_fork_reported_last_save_success{kind="rdb"}`:                     1,
		`redis_fork_reported_last_save_timestamp_seconds{kind="rdb"}`:           float64(60 * began),
		`redis_fork_reported_changes_since_last_save`:                           float64(1 + 1000*(m-began)),
		`redis_fork_save_interval_seconds`:                                      60 * idleFor,
		`redis_fork_save_interval_changes`:                                      1,
		`redis_fork_reported_misconf_errors_total`:                              0,
		`redis_fork_reported_forks_total`:                                       float64(h.forks(m)),
		`redis_fork_last_extra_memory_bytes{kind="rdb"}`:                        2 * gib,
		`redis_fork_next_memory_expected_bytes`:                                 2 * gib,
		`redis_fork_next_memory_worst_case_bytes`:                               8 * gib,
		`redis_fork_headroom_bytes{limit="cgroup"}`:                             3 * gib,
		`redis_fork_headroom_bytes{limit="host"}`:                               20 * gib,
		`redis_fork_headroom_commit_bytes`:                                      gib,
		`redis_fork_next_refused{reason="overcommit"}`:                          0,
		`redis_fork_next_server_killed`:                                         0,
		`redis_fork_next_refused{reason="tasks"}`:                               0,
		`redis_fork_child_start_timestamp_seconds`:                              float64(60 * (began + idleFor)),
		`redis_fork_child_progress_ratio`:                                       float64(m-began-idleFor) / savesFor,
		`redis_fork_children_failed_total{kind="rdb",reason="oom"}`:             0,
		`redis_fork_children_failed_total{kind="rdb",reason="exit"}`:            0,
		`redis_fork_children_failed_total{kind="rdb",reason="signal"}`:          0,
		`redis_fork_children_failed_total{kind="aof",reason="exit"}`:            0,
		`redis_fork_children_failed_total{kind="rdb",reason="server_died"}`:     0,
	}
	if saving {
		s[`redis_fork_child_running{kind="rdb"}`] = 1
	} else {
		s.without("redis_fork_child_start_timestamp_seconds", "redis_fork_child_progress_ratio")
	}
	if h.saves(m) == 0 { // of this run of the server
		s.without("redis_fork_reported_last_save")
	}
	if saves == 0 { // since the exporter is there
		s.without("redis_fork_last_extra", "redis_fork_next_memory_expected")
	}
	return s
}

// without deletes the series whose names begin so.
func (s sampled) without(prefixes ...string) sampled {
	maps.DeleteFunc(s, func(name string, _ float64) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	})
	return s
}

// with sets a series, and plus adds to one.
func (s sampled) with(series string, v float64) sampled { s[series] = v; return s }
func (s sampled) plus(series string, v float64) sampled { s[series] += v; return s }

// of INFO are these, and absent when it is not answered.
var ofInfo = []string{
	"redis_fork_reported", "redis_fork_save_interval", "redis_fork_child_progress",
}

// down is a server that does not run, beside an exporter that does.
func (s sampled) down() sampled {
	s.without(ofInfo...).without("redis_fork_server", "redis_fork_child_running", "redis_fork_child_start",
		"redis_fork_headroom", "redis_fork_next")
	for name := range s {
		if strings.HasPrefix(name, "redis_fork_source_available") {
			s[name] = 0
		}
	}
	return s.with("redis_fork_up", 0)
}

const restart = 2*cycle + 30 // in the middle between two saves

func between(m, from, to int) bool { return m >= from && m < to }

// silences are the situations in which nobody wants to hear anything. A scrape
// that fails gives no series, and nobody who scrapes nil.
var silences = map[string]func(m int) sampled{
	"regular saves": longAgo.at,
	"a save that takes three hours": func(m int) sampled {
		const birth = idleFor
		s := longAgo.at(min(m, birth)).with("redis_fork_reported_changes_since_last_save", float64(1000*m))
		switch {
		case m < birth:
			return s
		case m < birth+3*60:
			return s.with("redis_fork_child_progress_ratio", float64(m-birth)/(3*60))
		}
		return health{server: birth + 3*60, exporter: longAgo.exporter + birth + 3*60}.at(m)
	},
	"a quiet server": func(int) sampled {
		return longAgo.at(0).with("redis_fork_reported_changes_since_last_save", 0)
	},
	"a server that changes less than its save point asks for": func(m int) sampled {
		return longAgo.at(0).with("redis_fork_reported_changes_since_last_save", float64(m)).
			with("redis_fork_save_interval_changes", 10_000)
	},
	// In overcommit mode 2 and a full cgroup, without room for a copy; it never needs one.
	"a cache without save points": func(m int) sampled {
		return longAgo.at(0).
			without("redis_fork_reported_last_save", "redis_fork_save_interval", "redis_fork_last_extra", "redis_fork_next_memory_expected").
			with("redis_fork_reported_changes_since_last_save", float64(1_000_000*m)).
			with("redis_fork_reported_forks_total", 0).
			with(`redis_fork_headroom_bytes{limit="cgroup"}`, 1<<20).
			with(`redis_fork_next_server_killed`, 1).
			with(`redis_fork_next_refused{reason="overcommit"}`, 1)
	},
	// FLUSHALL ends the third save, and the server begins again.
	"a cancelled child": func(m int) sampled {
		if m < 3*cycle-1 {
			return longAgo.at(m)
		}
		s := health{server: longAgo.server + savesFor, exporter: longAgo.exporter + savesFor}.at(m)
		if m < 3*cycle+savesFor { // until then its last save is the one before
			s.with(`redis_fork_reported_last_save_timestamp_seconds{kind="rdb"}`, 60*2*cycle)
		}
		return s.plus(`redis_fork_children_cancelled_total{kind="rdb"}`, 1).
			plus(`redis_fork_children_total{kind="rdb"}`, 1).
			plus(`redis_fork_stall_seconds_count`, 1).
			plus(`redis_fork_stall_seconds_bucket{le="0.5"}`, 1).
			plus(`redis_fork_copy_stall_seconds_total`, 1)
	},
	"a restart of the server": func(m int) sampled {
		switch {
		case m < restart:
			return longAgo.at(m)
		case m < restart+4:
			return longAgo.at(m).down()
		}
		after := health{server: restart + 4, exporter: longAgo.exporter}.at(m)
		if m < restart+9 { // it takes a while until the process is found again
			for _, source := range []string{"process", "child_smaps", "cgroup"} {
				after.with(`redis_fork_source_available{source="`+source+`"}`, 0)
			}
		}
		return after
	},
	// By SHUTDOWN in the middle of a save, which is cancelled.
	"a restart of the server during a save": func(m int) sampled {
		const end = 3*cycle - 3
		switch {
		case m < end:
			return longAgo.at(m)
		case m < end+4:
			return longAgo.at(m).down().with(`redis_fork_children_cancelled_total{kind="rdb"}`, 1)
		}
		return health{server: end + 4, exporter: longAgo.exporter}.at(m).
			with(`redis_fork_children_cancelled_total{kind="rdb"}`, 1)
	},
	"a restart of the exporter": func(m int) sampled {
		switch {
		case m < restart:
			return longAgo.at(m).with(`redis_fork_children_failed_total{kind="rdb",reason="oom"}`, 3).
				with(`redis_fork_refused_total{kind="rdb"}`, 7).
				with(`redis_fork_children_total{kind="replication"}`, 100).
				plus(`redis_fork_stall_seconds_bucket{le="0.5"}`, -9). // slow ones, all of them long ago
				plus(`redis_fork_copy_stall_seconds_total`, 5000)
		case m < restart+4:
			return sampled{}
		}
		return health{server: longAgo.server, exporter: restart + 4}.at(m)
	},
	"a restart of the exporter during a save": func(m int) sampled {
		const end = 3*cycle - 3
		if between(m, end, end+2) {
			return sampled{}
		}
		if m < end {
			return longAgo.at(m)
		}
		return health{server: longAgo.server, exporter: end + 2}.at(m)
	},
	"an exporter that is gone": func(m int) sampled {
		if m >= restart {
			return sampled{}
		}
		return longAgo.at(m)
	},
	"an exporter that comes late": func(m int) sampled {
		if m < restart {
			return nil
		}
		return health{server: longAgo.server, exporter: restart - cycle}.at(m).
			with(`redis_fork_children_failed_total{kind="rdb",reason="oom"}`, 3).
			with(`redis_fork_refused_total{kind="rdb"}`, 7).
			with(`redis_fork_reported_misconf_errors_total`, 1000)
	},
	"an hour without data": func(m int) sampled {
		if between(m, restart, restart+60) {
			return nil
		}
		return longAgo.at(m).with(`redis_fork_children_failed_total{kind="rdb",reason="oom"}`, 3).
			with(`redis_fork_refused_total{kind="rdb"}`, 7)
	},
	// Nothing but INFO is known.
	"a server on another machine": func(m int) sampled {
		s := longAgo.at(m).without("redis_fork_child_running", "redis_fork_child_start", "redis_fork_children",
			"redis_fork_copy", "redis_fork_last_extra", "redis_fork_headroom", "redis_fork_next")
		for name := range s {
			if strings.HasPrefix(name, "redis_fork_source_available") {
				s[name] = 0
			}
		}
		return s
	},
	"nothing at all": func(int) sampled { return nil },
}

// TestSilence has Prometheus evaluate the alerts in all of these situations. The
// exporter is one of two, and both watch a server of the same name.
func TestSilence(t *testing.T) {
	testutil.Real(t, "promtool")
	var tests []any
	for _, name := range slices.Sorted(maps.Keys(silences)) {
		tests = append(tests, silence(name, silences[name], nil))
	}
	// The control: with one thing wrong this very test finds the alert.
	killed := func(m int) sampled {
		s := longAgo.at(m)
		if m > restart {
			s.with(`redis_fork_children_failed_total{kind="rdb",reason="oom"}`, 1)
		}
		return s
	}
	tests = append(tests, silence("an OOM kill", killed, []any{map[string]any{
		"labels": `{alertname="RedisForkChildOomKilled",alertstate="firing",severity="critical",reason="oom",job="redis-fork",instance="db-1:10121",server="127.0.0.1:6379"}`,
		"value":  1,
	}}))

	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[string]any{
		"rule_files":          []string{filepath.Join(wd, limitsFile), filepath.Join(wd, alertsFile)},
		"evaluation_interval": "1m",
		"tests":               tests,
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "silence.yaml") // JSON is YAML
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "test", "rules", file)
}

// silence is one of promtool's tests: which alerts fired at any time.
func silence(name string, at func(int) sampled, want []any) map[string]any {
	input := append(inputOf("db-1:10121", at), inputOf("db-2:10121", longAgo.at)...)
	return map[string]any{
		"name": name, "interval": "1m", "input_series": input,
		"promql_expr_test": []any{map[string]any{
			"expr": `max_over_time(ALERTS{alertstate="firing"}[5h])`, "eval_time": strconv.Itoa(minutes) + "m", "exp_samples": want,
		}},
	}
}

// inputOf turns samples into promtool's series. Prometheus marks a series as
// stale that a scrape does not have any more.
func inputOf(instance string, at func(int) sampled) []any {
	byMinute := make([]sampled, minutes+1)
	names := map[string]bool{}
	for m := range byMinute {
		byMinute[m] = at(m)
		for name := range byMinute[m] {
			names[name] = true
		}
	}
	out := make([]any, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		values := make([]string, 0, len(byMinute))
		there := false
		for _, s := range byMinute {
			v, ok := s[name]
			switch {
			case ok:
				values = append(values, strconv.FormatFloat(v, 'g', -1, 64))
			case there && s != nil:
				values = append(values, "stale")
			default:
				values = append(values, "_")
			}
			there = ok || there && s == nil
		}
		out = append(out, map[string]string{"series": identified(name, instance), "values": strings.Join(values, " ")})
	}
	return out
}

// identified gives a series the labels that it has in Prometheus.
func identified(name, instance string) string {
	metric, labels, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
	identity := `job="redis-fork",instance="` + instance + `",server="127.0.0.1:6379"`
	if labels != "" {
		identity += "," + labels
	}
	return metric + "{" + identity + "}"
}

// What an alert does not see can't make it fire: the series above are all that
// the alerts ask for.
func TestScenariosHaveEverything(t *testing.T) {
	have := map[string]bool{}
	for name := range longAgo.at(cycle - 1) { // in the middle of a save
		metric, _, _ := strings.Cut(name, "{")
		have[metric] = true
	}
	for _, r := range loadRules(t) {
		for _, expr := range expressionsOf(r) {
			metrics, _ := metricsOf(expr)
			for _, name := range metrics {
				if !have[name] {
					t.Errorf("%s asks for %s, which the scenarios lack", r.name(), name)
				}
			}
		}
	}
}
