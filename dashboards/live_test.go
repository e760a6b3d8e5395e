package dashboards_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/sysctl"
)

// shown is what the stack is there to show.
var shown = map[string]string{
	"a save":                             `redis_fork_children_total{kind="rdb",server="primary"} > 0`,
	"a full sync":                        `redis_fork_children_total{kind="replication",server="primary"} > 0`,
	"a rewrite":                          `redis_fork_children_total{kind="aof",server="replica"} > 0`,
	"a child that was killed":            `redis_fork_children_failed_total{kind="rdb",reason="signal",server="primary"} > 0`,
	"a child that its server cancelled":  `redis_fork_children_cancelled_total{kind="aof",server="replica"} > 0`,
	"points of a curve":                  `last_over_time(redis_fork_curve_private_dirty_bytes{job="redis_fork_curve"}[5m]) > 0`,
	"what a rule records":                `redis_fork:need_bytes > 0`,
	"a limit":                            `redis_fork:limit:headroom_ratio == 1`,
	"a save while it runs":               `max_over_time(redis_fork_child_running{kind="rdb"}[5m]) == 1`,
	"a full sync while it runs":          `max_over_time(redis_fork_child_running{kind="replication"}[5m]) == 1`,
	"a rewrite while it runs":            `max_over_time(redis_fork_child_running{kind="aof"}[5m]) == 1`,
	"a server that has saved since":      `redis_fork_last_success{kind="rdb",server="primary"} == 1`,
	"a forecast for each server":         `count(redis_fork_next_memory_expected_bytes) == 2`,
	"an alert":                           `ALERTS{alertname="RedisForkWritesRefused",alertstate="firing",server="primary"}`,
	"the outcome of the replica's child": `redis_fork_last_success{kind="aof",server="replica"}`,
}

// TestLiveStack brings up what make stack does and evaluates every expression on its
// Prometheus while it runs. Nothing of it is left afterwards.
func TestLiveStack(t *testing.T) {
	testutil.Real(t, "redis-server, Prometheus and a minute")
	empty := map[string]string{"The child's memory, and what was copied C": curveInstead}
	if os.Geteuid() == 0 {
		sysctl.Set(t, "kernel/task_delayacct", "1")
	} else {
		maps.Copy(empty, withoutAccounting)
	}
	dir := t.TempDir()
	program, record := filepath.Join(dir, "stack"), filepath.Join(dir, "run.om.gz")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../internal/cmd/demo").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	const scrape = time.Second
	exporter, prometheus := freeAddr(t), freeAddr(t)
	var output bytes.Buffer
	stack := exec.CommandContext(t.Context(), program, "--listen="+exporter, "--prometheus="+prometheus, "--rules=.", "--record="+record,
		"--scrape-interval="+scrape.String(), "--keys=600000", "--rate=1000", "--pause=2s", "--quiet=3s")
	stack.Stdout, stack.Stderr = &output, &output
	stack.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	stack.Cancel = func() error { return stack.Process.Signal(syscall.SIGINT) }
	stack.WaitDelay = 20 * time.Second
	began := float64(time.Now().Unix())
	if err := stack.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- stack.Wait() }()

	p := &promql{url: "http://" + prometheus}
	deadline := time.Now().Add(4 * time.Minute)
	for _, what := range slices.Sorted(maps.Keys(shown)) {
		for {
			got, err := p.ask(t, shown[what], 0, float64(time.Now().UnixMilli())/1000, 0)
			if err == nil && len(got) > 0 {
				break
			}
			select {
			case err := <-ended:
				t.Fatalf("the stack has ended: %v\n%s", err, output.Bytes())
			case <-time.After(500 * time.Millisecond):
			}
			if time.Now().After(deadline) {
				t.Fatalf("Prometheus has not seen %s: %s has no result: %v", what, shown[what], err)
			}
		}
	}
	for _, d := range load(t) {
		v := view{from: began, to: float64(time.Now().UnixMilli()) / 1000, scrape: scrape, instance: ".*", server: ".*"}
		if d.file == instanceFile {
			v.instance = exporter
		}
		for _, q := range d.questions() {
			p.answer(t, q, v, reason(empty, q))
		}
	}

	p.checkRules(t)

	if err := stack.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("at Ctrl-C the stack ends with %v:\n%s", err, output.Bytes())
	}
	if _, err := net.DialTimeout("tcp", prometheus, time.Second); err == nil {
		t.Error("Prometheus is still there")
	}
	if !slices.ContainsFunc(readRun(t, record), func(s sample) bool { return s.labels["job"] == curveJob }) {
		t.Error("the record has no curve")
	}
}

// checkRules fails where a rule can't be evaluated on what Prometheus has, or records
// nothing, and where another page is sent than the one that the stack is there to show.
func (p *promql) checkRules(t *testing.T) {
	t.Helper()
	body, err := p.get(t, "/api/v1/rules", nil)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct {
					Name, Type, Health, LastError, State string
					Labels                               map[string]string
				}
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	rules := 0
	for _, g := range answer.Data.Groups {
		rules += len(g.Rules)
		for _, r := range g.Rules {
			if r.Health != "ok" || r.LastError != "" {
				t.Errorf("%s: health %q: %s", r.Name, r.Health, r.LastError)
			}
			if r.Type == "recording" {
				got, err := p.ask(t, r.Name, 0, float64(time.Now().UnixMilli())/1000, 0)
				if err != nil || len(got) == 0 {
					t.Errorf("%s records nothing: %v", r.Name, err)
				}
			}
			if r.State == "firing" && r.Labels["severity"] == "critical" && r.Name != "RedisForkWritesRefused" {
				t.Errorf("%s fires", r.Name)
			}
		}
	}
	if want := len(loadRules(t)); rules != want {
		t.Errorf("Prometheus has %d rules, want %d", rules, want)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	port, err := redisrun.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// withoutAccounting is what there is not where delay accounting can't be switched on.
var withoutAccounting = map[string]string{
	"Copy stall as a share of time":                  accountingOff,
	"Copy stall as a share of time, the ten highest": accountingOff,
	"Copy stall in $window":                          accountingOff,
	"Copy time of the last fork":                     accountingOff,
	"Last fork of each kind D":                       accountingOff,
}

const accountingOff = "delay accounting is off"
