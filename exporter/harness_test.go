package exporter

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for something that should happen soon. It
// decides when to give up, never whether something was fast enough.
const patience = 30 * time.Second

// running is an exporter as its users see it.
type running struct {
	t    *testing.T
	url  string
	http *http.Client
	stop func() error
}

// startExporter runs an exporter over the given targets until the test ends.
func startExporter(t *testing.T, targets []string, change ...func(*Config)) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := testConfig(t, targets...)
	c.Listener = l
	for _, f := range change {
		f(&c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, c) }()
	transport := &http.Transport{DisableKeepAlives: true}
	r := &running{t: t, url: "http://" + l.Addr().String(), http: &http.Client{Transport: transport, Timeout: patience}}
	stopped := false
	r.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("the exporter ended with %v", err)
		}
	})
	return r
}

func testConfig(t *testing.T, targets ...string) Config {
	t.Helper()
	c := DefaultConfig()
	c.SampleInterval, c.SampleBudget = 50*time.Millisecond, 0.5
	c.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.Targets = nil
	for _, s := range targets {
		target, err := fleet.ParseTarget(s)
		if err != nil {
			t.Fatal(err)
		}
		c.Targets = append(c.Targets, target)
	}
	return c
}

// startPair runs a Redis, called "s", and an exporter that has found it.
func startPair(t *testing.T, o redisrun.Options, change ...func(*Config)) (*redisrun.Server, *running) {
	t.Helper()
	server := redistest.Start(t, o)
	r := startExporter(t, []string{"s=" + server.Addr()}, change...)
	r.await("the server's process is found", func() bool {
		return r.value("redis_fork_source_available", "source", "process") == 1
	})
	return server, r
}

func (r *running) get(path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	return r.http.Do(req)
}

// metrics scrapes.
func (r *running) metrics() map[string]*dto.MetricFamily {
	r.t.Helper()
	resp, err := r.get("/metrics")
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("/metrics answers %s", resp.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return families
}

// missing is what value returns for a series that does not exist.
const missing = -12345.0

// value scrapes one series; labels are name, value, … and need not name all.
// Histograms give their count.
func (r *running) value(name string, labels ...string) float64 {
	r.t.Helper()
	return valueOf(r.metrics(), name, labels...)
}

func valueOf(families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	for _, m := range families[name].GetMetric() {
		have := map[string]string{}
		for _, l := range m.GetLabel() {
			have[l.GetName()] = l.GetValue()
		}
		match := true
		for i := 0; i < len(labels); i += 2 {
			match = match && have[labels[i]] == labels[i+1]
		}
		if !match {
			continue
		}
		switch {
		case m.Gauge != nil:
			return m.Gauge.GetValue()
		case m.Counter != nil:
			return m.Counter.GetValue()
		case m.Histogram != nil:
			return float64(m.Histogram.GetSampleCount())
		}
	}
	return missing
}

// forks reads the closed forks, oldest first.
func (r *running) forks() []fork.Record {
	r.t.Helper()
	resp, err := r.get("/api/v1/forks?limit=200")
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct {
		Forks []fork.Record `json:"forks"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		r.t.Fatal(err)
	}
	closed := slices.DeleteFunc(body.Forks, func(f fork.Record) bool { return f.Running() })
	slices.Reverse(closed)
	return closed
}

// await waits for a condition.
func (r *running) await(what string, ok func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited %s in vain: %s\n%s", patience, what, r.dump())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// awaitForks waits until n forks have been closed.
func (r *running) awaitForks(n int) []fork.Record {
	r.t.Helper()
	var forks []fork.Record
	r.await(fmt.Sprintf("%d forks are closed", n), func() bool {
		forks = r.forks()
		return len(forks) >= n
	})
	if len(forks) != n {
		r.t.Fatalf("%d forks, want %d", len(forks), n)
	}
	return forks
}

// awaitChild waits for a running child and returns its pid.
func (r *running) awaitChild() int {
	r.t.Helper()
	pid := 0
	r.await("a child runs", func() bool {
		resp, err := r.get("/api/v1/forks?outcome=running")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var body struct {
			Forks []fork.Record `json:"forks"`
		}
		if json.NewDecoder(resp.Body).Decode(&body) != nil || len(body.Forks) == 0 ||
			len(body.Forks[0].Curve) == 0 || body.Forks[0].Kind == fork.KindUnknown {
			return false
		}
		pid = body.Forks[0].ChildPID
		return true
	})
	return pid
}

// awaitAccounts waits until n forks are in both accounts: children and durations.
func (r *running) awaitAccounts(n float64) {
	r.t.Helper()
	var children, durations float64
	r.await(fmt.Sprintf("%v forks are in both accounts", n), func() bool {
		m := r.metrics()
		children = valueOf(m, "redis_fork_unobserved_children_total")
		for _, kind := range fork.Kinds {
			if v := valueOf(m, "redis_fork_children_total", "kind", string(kind)); v != missing {
				children += v
			}
		}
		durations = valueOf(m, "redis_fork_unobserved_stalls_total") + valueOf(m, "redis_fork_stall_seconds")
		return children >= n && durations >= n
	})
	if children != n || durations != n {
		r.t.Errorf("%v forks: %v in the children's account, %v in the durations'", n, children, durations)
	}
}

func (r *running) dump() string {
	resp, err := r.get("/metrics")
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	var b strings.Builder
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, _ := parser.TextToMetricFamilies(resp.Body)
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if strings.HasPrefix(name, "redis_fork_") {
			_, _ = expfmt.MetricFamilyToText(&b, families[name])
		}
	}
	return b.String()
}
