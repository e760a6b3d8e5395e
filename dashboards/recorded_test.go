package dashboards_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
)

// runFile is what a real Prometheus had of a real run, as make recorded writes
// it: a primary and its replica that save, rewrite and sync by turns, one
// save's child killed, one rewrite cancelled; scraped every 5 s, with /curve, the
// rules loaded and delay accounting on.
const (
	runFile     = "testdata/run.om.gz"
	runScrape   = 5 * time.Second
	primary     = "primary"
	replica     = "replica"
	runInstance = "127.0.0.1:10188"
	curveJob    = "redis_fork_curve"
)

// sample is one line of a recorded run.
type sample struct {
	name   string
	labels map[string]string
	value  string
	at     float64 // seconds since 1970
}

func (s *sample) write(w io.Writer) {
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(s.labels)) {
		labels = append(labels, fmt.Sprintf("%s=%q", name, s.labels[name]))
	}
	fmt.Fprintf(w, "%s{%s} %s %.3f\n", s.name, strings.Join(labels, ","), s.value, s.at)
}

func readRun(t *testing.T, name string) []sample {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	uncompressed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(uncompressed)
	if err != nil {
		t.Fatal(err)
	}
	var out []sample
	for line := range strings.Lines(string(raw)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(strings.TrimSpace(line), "{")
		braces, rest, _ := strings.Cut(rest, "} ")
		s := sample{name: name, labels: map[string]string{}}
		for l := range strings.SplitSeq(braces, `",`) {
			label, value, _ := strings.Cut(strings.TrimSuffix(l, `"`), `="`)
			s.labels[label] = value
		}
		if _, err := fmt.Sscan(rest, &s.value, &s.at); err != nil {
			t.Fatalf("%s: %q: %v", name, line, err)
		}
		out = append(out, s)
	}
	return out
}

// situation is a run as another installation would have had it. Each has exporters
// of its own names, so that one Prometheus holds them all.
type situation struct {
	name string
	// change makes the sample another; false leaves it out.
	change func(*sample) bool
	// one chooses a server for the instance dashboard, "" all of the exporter's.
	one string
	// firstDay leaves out all from the first fork on.
	firstDay bool
	// exporters is how many there are of the run's one, each on a host of its own, with
	// no more than the fleet dashboard asks for; 0: the run as it is.
	exporters int
	// servers and hosts are the rows that the fleet's tables must have.
	servers, hosts int
	// empty says of the expressions that may have no result why that is right. It
	// names panels, and their queries where not all of them are meant.
	empty map[string]string
}

// always are what the run had none of. A situation can say otherwise with "".
var always = map[string]string{
	"Failed and refused in $window, by kind and reason B": "no fork was refused",
	"Headroom, by limit B":                                "the overcommit mode was not 2",
	"Headroom, by limit C":                                "no cgroup set memory.high",
	"Page tables, and tables being rehashed B":            "Redis 7.4 tells of rehashing, the run was made with 7.0",
	"Failed reads in $window":                             "no read failed",
	"Annotation Child alive: other":                       "no module forked",
	"Annotation Refused fork":                             "no fork was refused",
	hostTable + " G":                                      "each server has a forecast",
}

const (
	serverTable = "Every server, the least likely to survive its next fork first"
	hostTable   = "Every host, the least likely to survive it first"
)

const (
	noFork       = "no fork yet"
	curveInstead = "the curve is drawn instead"
	notTheOther  = "only the replica rewrites its AOF"
)

// thePrimary is what a primary has none of.
var thePrimary = map[string]string{
	"The child's memory, and what was copied C": curveInstead,
	"Annotation Child alive: aof":               notTheOther,
	"Cancelled in $window":                      notTheOther,
}

var situations = []situation{
	{name: "as it was", servers: 2, hosts: 1, empty: map[string]string{"The child's memory, and what was copied C": curveInstead}},
	{
		name: "without curve", servers: 2, hosts: 1,
		change: func(s *sample) bool { return s.labels["job"] != curveJob },
		empty: map[string]string{
			"The child's memory, and what was copied A": "there is no curve",
			"The child's memory, and what was copied B": "there is no curve",
		},
	},
	{
		name: "without rules", servers: 2, hosts: 1,
		change: func(s *sample) bool { return !strings.Contains(s.name, ":") },
		empty:  map[string]string{"The child's memory, and what was copied C": curveInstead},
	},
	{
		name: "one server", servers: 1, hosts: 1, one: primary,
		change: func(s *sample) bool { return s.labels["server"] != replica },
		empty:  thePrimary,
	},
	{
		// Two pods, whose exporters call their servers the same.
		name: "sidecars", servers: 2, hosts: 2, one: "127.0.0.1:6379",
		change: func(s *sample) bool {
			if server, ok := s.labels["server"]; ok {
				s.labels["instance"] = "pod-" + server + ":10121"
				s.labels["server"] = "127.0.0.1:6379"
				return true
			}
			s.labels["instance"] = "pod-" + primary + ":10121"
			return true
		},
		empty: thePrimary,
	},
	{name: "two hundred servers", exporters: 100, servers: 200, hosts: 100},
	{
		name: "first day", firstDay: true, servers: 2, hosts: 1,
		empty: firstDay,
	},
}

// firstDay is what there can't be before the first fork. Each of these panels has a
// text for that, and none shows 0. The fleet's table says no forecast yet.
var firstDay = map[string]string{
	serverTable + " B": noFork, serverTable + " C": noFork, serverTable + " D": noFork, serverTable + " G": noFork,
	serverTable + " I": "no save yet",
	hostTable + " A":   noFork, hostTable + " B": noFork, hostTable + " C": noFork,

	// Here are servers without a forecast.
	hostTable + " G": "",

	"Won't survive the next fork":                          noFork,
	"Left on each host if all of its servers fork at once": noFork,

	"Left at the next fork's worst moment": noFork,
	"The next fork needs A":                noFork,
	"Stall: the last, and the next":        noFork,
	"Copy time of the last fork":           noFork,
	"Since the last good save":             "no save yet",
	"Last outcome":                         noFork,
	"Last fork of each kind":               noFork,
	"Stall of each fork":                   noFork,
	"Forks in $window":                     noFork,
	"Over 500 ms in $window":               noFork,
	"Longest stall in $window, at most":    noFork,
	"Stall per GiB in $window":             noFork,

	"The child's memory, and what was copied A":         noFork,
	"The child's memory, and what was copied B":         noFork,
	"The child's memory, and what was copied D":         noFork,
	"Peak of each kind's last fork, of the data":        noFork,
	"Forks by their peak, in $window":                   noFork,
	"Bytes copied per change":                           noFork,
	"Progress of the running child":                     noFork,
	"Failed and refused in $window, by kind and reason": noFork,
	"Cancelled in $window":                              noFork,
	"Age of the child's last reading":                   noFork,
	"Annotation Child alive: rdb":                       noFork,
	"Annotation Child alive: aof":                       noFork,
	"Annotation Child alive: replication":               noFork,
	"Annotation Fork":                                   noFork,
	"Annotation Failed fork":                            noFork,
}

// store puts every situation's samples into one Prometheus, and tells when the run
// began and ended.
func store(t *testing.T) (p *promql, from, to float64) {
	t.Helper()
	run := readRun(t, runFile)
	from, to = run[0].at, run[0].at
	firstFork := 0.0
	for _, s := range run {
		from, to = min(from, s.at), max(to, s.at)
		if s.name == "redis_fork_child_start_timestamp_seconds" || s.name == "redis_fork_last_start_timestamp_seconds" {
			at, err := strconv.ParseFloat(s.value, 64)
			if err != nil {
				t.Fatal(err)
			}
			if firstFork == 0 || at < firstFork {
				firstFork = at
			}
		}
	}
	fleet := namesOf(t, fleetFile)
	dir := t.TempDir()
	name := filepath.Join(dir, "run.om")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, situation := range situations {
		for _, s := range run {
			s.labels = maps.Clone(s.labels)
			if situation.change != nil && !situation.change(&s) || situation.firstDay && s.at >= firstFork-1 { // a curve begins at 0 just before the birth
				continue
			}
			if situation.exporters > 0 && !fleet[s.name] {
				continue
			}
			instance := s.labels["instance"]
			s.labels["instance"] = instanceOf(situation.name, instance)
			if situation.firstDay {
				s.at += to - firstFork // so that "now" is just before the fork
			}
			s.write(file)
			at := s.at
			for n := 2; n <= situation.exporters; n++ {
				s.at = at - float64(n%20)*runScrape.Seconds() // not all fork at the same moment
				s.labels["instance"] = instanceOf(situation.name, strconv.Itoa(n)+"."+instance)
				s.write(file)
			}
		}
	}
	if _, err := io.WriteString(file, "# EOF\n"); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	promtool(t, "tsdb", "create-blocks-from", "openmetrics", name, data)
	return startPromQL(t, data), from, to
}

// namesOf is what a dashboard asks for.
func namesOf(t *testing.T, file string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, d := range load(t) {
		for _, q := range d.questions() {
			metrics, recorded := metricsOf(q.expr)
			for _, name := range append(metrics, recorded...) {
				names[name] = names[name] || d.file == file
			}
		}
	}
	return names
}

func instanceOf(situation, instance string) string {
	return strings.ReplaceAll(situation, " ", "-") + "." + instance
}

// promql is a Prometheus that answers queries and scrapes nothing.
type promql struct{ url string }

func startPromQL(t *testing.T, data string) *promql {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	addr := freeAddr(t)
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, "prometheus", "--config.file="+config, "--storage.tsdb.path="+data,
		"--storage.tsdb.retention.time=100y", "--web.listen-address="+addr)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was told to end
	})
	p := &promql{url: "http://" + addr}
	deadline := time.Now().Add(30 * time.Second)
	for {
		_, err := p.get(t, "/-/ready", nil)
		if err == nil {
			return p
		}
		if time.Now().After(deadline) {
			b, _ := os.ReadFile(log.Name())
			t.Fatalf("prometheus is not ready: %v\n%s", err, b)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (p *promql) get(t *testing.T, path string, query url.Values) ([]byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+path, strings.NewReader(query.Encode()))
	if query == nil {
		req, err = http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, http.NoBody)
	}
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return body, err
}

// found is one series of a result.
type found struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`  // of an instant
	Values [][2]any          `json:"values"` // of a range
}

// ask evaluates an expression at a time, or where step is given, from another time
// to it.
func (p *promql) ask(t *testing.T, expr string, from, to, step float64) ([]found, error) {
	t.Helper()
	seconds := func(s float64) string { return strconv.FormatFloat(s, 'f', 3, 64) }
	path, query := "/api/v1/query", url.Values{"query": {expr}, "time": {seconds(to)}}
	if step != 0 {
		path, query = "/api/v1/query_range", url.Values{"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)}, "step": {seconds(step)}}
	}
	body, err := p.get(t, path, query)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []found `json:"result"`
		} `json:"data"`
	}
	return answer.Data.Result, json.Unmarshal(body, &answer)
}

// TestRecordedRun evaluates every expression as Grafana would ask it, on what a real
// exporter said about real forks, in every situation. An expression without a result
// is a panel without content: that needs a reason, and the reason must be true.
func TestRecordedRun(t *testing.T) {
	testutil.Real(t, "promtool and Prometheus")
	p, from, to := store(t)
	for _, s := range situations {
		t.Run(s.name, func(t *testing.T) {
			for _, d := range load(t) {
				if d.file == instanceFile && s.exporters > 0 {
					continue
				}
				// One exporter at a time on the instance dashboard, all on the fleet's.
				instance, server := instanceOf(s.name, ".*"), ".*"
				if d.file == instanceFile {
					instance = instanceOf(s.name, runInstance)
					if s.name == "sidecars" {
						instance = instanceOf(s.name, "pod-"+primary+":10121")
					}
					if s.one != "" {
						server = s.one
					}
				}
				v := view{from: from, to: to, scrape: runScrape, instance: instance, server: server}
				for _, q := range d.questions() {
					got := p.answer(t, q, v, reason(s.empty, q))
					rows := map[string]int{serverTable + " A": s.servers, hostTable + " F": s.hosts}
					if want, ok := rows[q.panel+" "+q.ref]; ok && len(got) != want {
						t.Errorf("%s has %d rows, want %d: %v", q.where, len(got), want, got)
					}
					if s.exporters > 0 && ofTen.MatchString(q.expr) && len(got) != 10 {
						t.Errorf("%s has %d series, want ten", q.where, len(got))
					}
				}
			}
		})
	}
}

const (
	instanceFile = "redis-fork-instance.json"
	fleetFile    = "redis-fork-fleet.json"
)

// ofTen is an expression that keeps ten of all servers or hosts.
var ofTen = regexp.MustCompile(`k\(10,`)

// view is what a dashboard is looked at with: a range of time in seconds since 1970,
// and some of its variables.
type view struct {
	from, to         float64
	scrape           time.Duration
	instance, server string
}

// answer asks a question as Grafana would, and fails where there is no answer and
// nobody says why, or where there is one all the same.
func (p *promql) answer(t *testing.T, q question, v view, why string) []found {
	t.Helper()
	step := q.step
	if !q.instant && step == 0 {
		step = v.scrape.Seconds()
	}
	expr := strings.NewReplacer(
		// $__rate_interval is four scrapes.
		"$__rate_interval", (4 * v.scrape).String(), "$__interval", v.scrape.String(), "$__range", fmt.Sprintf("%.0fs", v.to-v.from),
		"$window", "1d", "$job", ".*", "$instance", v.instance, "$server", v.server, "$kind", ".*", "$hostlabel", "instance",
	).Replace(q.expr)
	got, err := p.ask(t, expr, v.from, v.to, step)
	if err != nil {
		t.Errorf("%s: %v\n%s", q.where, err, expr)
		return nil
	}
	switch {
	case len(got) == 0 && why == "":
		t.Errorf("%s has no result, and nobody says why:\n%s", q.where, expr)
	case len(got) != 0 && why != "":
		t.Errorf("%s has %d results, which the test says it can't have because %s", q.where, len(got), why)
	}
	checkResult(t, q, got)
	return got
}

// question is an expression and how Grafana asks it.
type question struct {
	where, panel, ref, expr, legend string
	instant, table                  bool
	step                            float64 // seconds; 0: the scrape interval
}

func (d *dashboard) questions() []question {
	var out []question
	for _, p := range d.panels() {
		step := 0.0
		if p.Interval != "" {
			step = 0.1
		}
		for _, q := range p.Targets {
			out = append(out, question{
				where: d.file + " " + strconv.Quote(p.Title) + " " + q.RefID, panel: p.Title, ref: q.RefID, expr: q.Expr, legend: q.LegendFormat,
				instant: q.Instant, table: p.Type == "table", step: step,
			})
		}
	}
	for _, a := range d.Annotations.List {
		out = append(out, question{where: d.file + " annotation " + a.Name, panel: "Annotation " + a.Name, expr: a.Expr, legend: a.TextFormat})
	}
	return out
}

// reason is why a question may have no answer; "" where it must have one.
func reason(empty map[string]string, q question) string {
	for _, why := range []map[string]string{empty, always} {
		for _, name := range []string{q.panel, strings.TrimSpace(q.panel + " " + q.ref)} {
			if w, ok := why[name]; ok {
				return w
			}
		}
	}
	return ""
}

var inLegend = regexp.MustCompile(`\{\{(\w+)\}\}`)

// checkResult fails where a panel could not tell two results apart, where a legend
// names a label that is not there, and where a value is none.
func checkResult(t *testing.T, q question, got []found) {
	t.Helper()
	names := map[string]bool{}
	for _, g := range got {
		name := inLegend.ReplaceAllStringFunc(q.legend, func(l string) string {
			v, ok := g.Metric[strings.Trim(l, "{}")]
			if !ok {
				t.Errorf("%s: the legend %q names a label that %v lacks", q.where, q.legend, g.Metric)
			}
			return v
		})
		if !q.table && names[name] {
			t.Errorf("%s: two results with the legend %q", q.where, name)
		}
		names[name] = true
		if _, ok := g.Metric["__name__"]; ok && q.table {
			t.Errorf("%s: a name is a label that the other columns lack: %v", q.where, g.Metric)
		}
		for _, v := range append(g.Values, g.Value) {
			if v[1] == "NaN" || v[1] == "+Inf" || v[1] == "-Inf" {
				t.Errorf("%s: a value is %v: %v", q.where, v[1], g.Metric)
				break
			}
		}
	}
}
