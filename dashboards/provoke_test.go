//go:build provoke

// These tests provoke every alert for real: servers, exporters and a Prometheus
// that loads the shipped rules. They need root and some twenty minutes, and are
// run by hand (make provoke). Rules and limits are as shipped but for the limit of
// copies, which is out of a small server's reach and lowered in the file that is
// there to be changed.

package dashboards_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/sysctl"
)

// What the limits file says of copies, and what it says here.
const (
	shipped = "redis_fork:limit:copy_stall_ratio\n        expr: redis_fork_up * 0 + 0.25"
	lowered = "redis_fork:limit:copy_stall_ratio\n        expr: redis_fork_up * 0 + 0.001"
)

func TestMain(m *testing.M) {
	if os.Geteuid() != 0 {
		_, _ = io.WriteString(os.Stderr, "provoking alerts takes root: cgroups, a full disk, other users\n")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// lab is a Prometheus and what it scrapes.
type lab struct {
	t        *testing.T
	url      string
	targets  string // the directory that it reads its targets from
	exporter string // the program
}

// newLab builds the exporter and starts a Prometheus with these rules.
func newLab(t *testing.T, rules ...string) *lab {
	t.Helper()
	dir := t.TempDir()
	// Exporters that run as another user live in here.
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l := &lab{t: t, targets: filepath.Join(dir, "targets"), exporter: filepath.Join(dir, "redis_fork_exporter")}
	build := exec.Command("go", "build", "-o", l.exporter, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if err := os.Mkdir(l.targets, 0o755); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "prometheus.yml")
	write(t, config, fmt.Sprintf(`
global: {scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 1s}
rule_files: [%s]
scrape_configs:
  - job_name: redis-fork
    file_sd_configs: [{files: ["%s/*.json"], refresh_interval: 1s}]
`, strings.Join(rules, ", "), l.targets))
	addr := freeAddr(t)
	l.url = "http://" + addr
	start(t, exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+addr, "--log.level=warn"))
	await(t, time.Minute, "Prometheus is ready", func() bool { return status(l.url+"/-/ready") == http.StatusOK })
	return l
}

func shippedRules(t *testing.T) (limits, alerts string) {
	t.Helper()
	b, err := os.ReadFile(limitsFile)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(b), shipped) != 1 {
		t.Fatalf("%q is not in %s", shipped, limitsFile)
	}
	limits = filepath.Join(t.TempDir(), limitsFile)
	write(t, limits, strings.Replace(string(b), shipped, lowered, 1))
	if alerts, err = filepath.Abs(alertsFile); err != nil {
		t.Fatal(err)
	}
	return limits, alerts
}

// export starts an exporter, by a command in front of it if there is one, and
// has Prometheus scrape it. It returns how to stop it.
func (l *lab) export(t *testing.T, port int, server *redisrun.Server, name string, wrapper ...string) (stop func()) {
	t.Helper()
	addr := "127.0.0.1:" + strconv.Itoa(port)
	args := append(slices.Clone(wrapper), l.exporter, "--server="+name+"="+server.Addr(), "--web.listen-address="+addr, "--log.level=error")
	stop = start(t, exec.Command(args[0], args[1:]...))
	await(t, time.Minute, "the exporter is ready", func() bool { return status("http://"+addr+"/-/ready") == http.StatusOK })
	// Prometheus reads a file as soon as it appears, so it has to appear complete.
	file := filepath.Join(l.targets, name)
	write(t, file, fmt.Sprintf(`[{"targets": [%q]}]`, addr))
	if err := os.Rename(file, file+".json"); err != nil {
		t.Fatal(err)
	}
	return stop
}

// watch exports a server on a port of its own and waits until it is known that
// its process was found.
func (l *lab) watch(t *testing.T, server *redisrun.Server, name string) {
	t.Helper()
	port, err := redisrun.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	l.export(t, port, server, name)
	l.awaitValue(t, `redis_fork_source_available{source="process",server="`+name+`"} == 1`)
	// A counter has to be scraped before it grows, or nobody sees it grow.
	l.awaitValue(t, `count_over_time(redis_fork_children_total{kind="rdb",server="`+name+`"}[1m]) > 2`)
}

// awaitValue waits until an expression has a result.
func (l *lab) awaitValue(t *testing.T, expr string) {
	t.Helper()
	await(t, time.Minute, expr, func() bool {
		var body struct{ Data struct{ Result []any } }
		return get(l.url+"/api/v1/query?query="+url.QueryEscape(expr), &body) == nil && len(body.Data.Result) > 0
	})
}

type firing struct {
	Labels, Annotations map[string]string
	State               string
	ActiveAt            time.Time
}

// awaitAlert waits until an alert about a server fires.
func (l *lab) awaitAlert(t *testing.T, name, server string, labels ...string) firing {
	t.Helper()
	began := time.Now()
	var found firing
	await(t, 25*time.Minute, name+" of "+server+" fires", func() bool {
		var body struct{ Data struct{ Alerts []firing } }
		if get(l.url+"/api/v1/alerts", &body) != nil {
			return false
		}
		i := slices.IndexFunc(body.Data.Alerts, func(f firing) bool {
			match := f.State == "firing" && f.Labels["alertname"] == name && f.Labels["server"] == server
			for i := 0; i < len(labels); i += 2 {
				match = match && f.Labels[labels[i]] == labels[i+1]
			}
			return match
		})
		if i < 0 {
			return false
		}
		found = body.Data.Alerts[i]
		return true
	})
	t.Logf("%s fires after %s %v\n%s", name, time.Since(began).Round(time.Second), found.Labels, found.Annotations["description"])
	return found
}

// silent fails if an alert about a server is pending or firing.
func (l *lab) silent(t *testing.T, server string, but ...string) {
	t.Helper()
	var body struct{ Data struct{ Alerts []firing } }
	if err := get(l.url+"/api/v1/alerts", &body); err != nil {
		t.Fatal(err)
	}
	for _, f := range body.Data.Alerts {
		if f.Labels["server"] == server && f.State == "firing" && !slices.Contains(but, f.Labels["alertname"]) {
			t.Errorf("%v fires too", f.Labels)
		}
	}
}

func TestProvoke(t *testing.T) {
	t.Parallel()
	limits, alerts := shippedRules(t)
	l := newLab(t, limits, alerts)

	t.Run("full disk", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, redisrun.Options{Args: []string{"--enable-protected-configs", "yes", "--save", "1 1"}}, 2_000)
		dir := filepath.Join(s.Dir(), "small")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
		l.watch(t, s, "full")
		set(t, s, "dir", dir)
		load := redisrun.StartLoad(t.Context(), s.Client(), redisrun.LoadOptions{Rate: 100, Keys: 2_000, ValueSize: 100})
		defer load.Stop()
		l.awaitAlert(t, "RedisForkWritesRefused", "full")
		l.awaitAlert(t, "RedisForkSaveFailing", "full", "kind", "rdb")
		l.awaitAlert(t, "RedisForkSaveOverdue", "full")
		// On a busy machine one of its forks may well be slow, too.
		l.silent(t, "full", "RedisForkWritesRefused", "RedisForkSaveOverdue", "RedisForkSaveFailing", "RedisForkStallTooLong")
	})

	// Once with oom-score-adj, so that the kernel takes the child, and once as it is
	// by default, so that it takes the server.
	for adjusted, reason := range map[string]string{"yes": "oom", "no": "server_died"} {
		t.Run("shrunk cgroup, oom-score-adj "+adjusted, func(t *testing.T) {
			t.Parallel()
			const keys = 400_000
			s := newServer(t, redisrun.Options{Args: []string{"--oom-score-adj", adjusted}}, keys)
			c := newCgroup(t, "oom-"+adjusted)
			c.add(t, s)
			name := "oom-" + adjusted
			l.watch(t, s, name)
			set(t, s, "rdb-key-save-delay", "1000")
			do(t, s, "BGSAVE")
			l.awaitValue(t, `redis_fork_child_running{kind="rdb",server="`+name+`"} == 1`)
			c.limitTo(t, c.usage(t)+16<<20)
			load := redisrun.StartLoad(t.Context(), s.Client(), redisrun.LoadOptions{Rate: 50_000, Keys: keys, ValueSize: 100})
			defer load.Stop()
			l.awaitAlert(t, "RedisForkChildOomKilled", name, "reason", reason)
		})
	}

	// RLIMIT_NPROC is what refuses a fork without touching the whole machine.
	t.Run("refused fork", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		const uid = 47110
		if err := os.Chown(dir, uid, uid); err != nil {
			t.Fatal(err)
		}
		openUp(t, dir)
		s := newServer(t, redisrun.Options{
			Dir: dir, Args: []string{"--save", "5 1"}, Wrapper: asUser(uid),
		}, 0)
		l.watch(t, s, "refused")
		limit := append(asUser(uid), "prlimit", "--pid", strconv.Itoa(s.PID()), "--nproc=1:1")
		if out, err := exec.Command(limit[0], limit[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("prlimit: %v\n%s", err, out)
		}
		do(t, s, "SET", "k", "v")
		l.awaitAlert(t, "RedisForkRefused", "refused", "kind", "rdb")
		for _, d := range load(t) {
			for _, q := range d.questions() {
				if name := strings.TrimSpace(q.panel + " " + q.ref); name == "Annotation Refused fork" || name == "Failed and refused in $window, by kind and reason B" {
					l.awaitValue(t, "count_over_time(("+fleetSubstitute.Replace(q.expr)+")[10m:15s]) > 0")
				}
			}
		}
	})

	// A CPU limit of a thousandth of a CPU makes any fork a slow one.
	t.Run("throttled fork", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, redisrun.Options{}, 400_000)
		l.watch(t, s, "slow")
		do(t, s, "BGSAVE")
		l.awaitValue(t, `redis_fork_stall_seconds_count{server="slow"} == 1`)
		l.silent(t, "slow")
		unlimited := throttle(t, s)
		done := make(chan error, 1)
		go func() { done <- s.Client().Do(t.Context(), "BGSAVE").Err() }()
		select {
		case <-done:
			t.Error("the fork was not slow")
		case <-time.After(2 * time.Second):
		}
		unlimited()
		l.awaitAlert(t, "RedisForkStallTooLong", "slow", "le", "0.5")
		l.silent(t, "slow", "RedisForkStallTooLong")
	})

	// A save under load shows what a fork takes; then the cgroup is made too small.
	t.Run("too little memory", func(t *testing.T) {
		t.Parallel()
		const keys = 100_000
		s := newServer(t, redisrun.Options{}, keys)
		c := newCgroup(t, "small")
		c.add(t, s)
		c.limitTo(t, 4<<30)
		port, err := redisrun.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		stop := l.export(t, port, s, "small")
		l.awaitValue(t, `redis_fork_source_available{source="process",server="small"} == 1`)
		set(t, s, "rdb-key-save-delay", "10")
		load := redisrun.StartLoad(t.Context(), s.Client(), redisrun.LoadOptions{Rate: 10_000, Keys: keys, ValueSize: 100})
		do(t, s, "BGSAVE")
		l.awaitValue(t, `redis_fork_last_extra_memory_bytes{kind="rdb",server="small"} > 0`)
		if err := load.Stop(); err != nil {
			t.Fatal(err)
		}
		l.silent(t, "small")
		if err := os.Remove(filepath.Join(s.Dir(), "dump.rdb")); err != nil { // or its page cache would be room enough
			t.Fatal(err)
		}
		c.limitTo(t, c.usage(t)+4<<20)
		l.awaitAlert(t, "RedisForkWillNotSurvive", "small", "limit", "cgroup")

		stop() // and with it its memory of that save
		l.awaitGone(t, "RedisForkWillNotSurvive", "small")
		l.export(t, port, s, "small")
		l.awaitAlert(t, "RedisForkWillNotSurvive", "small", "limit", "cgroup")
	})

	// A replica whose output buffer may hold next to nothing is cut off while it
	// loads, and begins again.
	t.Run("replica that never gets through", func(t *testing.T) {
		t.Parallel()
		const keys = 200_000
		s := newServer(t, redisrun.Options{Args: []string{
			"--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", "--repl-backlog-size", "16kb",
			"--client-output-buffer-limit", "replica 64kb 64kb 1",
		}}, keys)
		set(t, s, "rdb-key-save-delay", "20")
		l.watch(t, s, "loop")
		load := redisrun.StartLoad(t.Context(), s.Client(), redisrun.LoadOptions{Rate: 2_000, Keys: keys, ValueSize: 100})
		defer load.Stop()
		host, port, _ := strings.Cut(s.Addr(), ":")
		redistest.Start(t, redisrun.Options{Args: []string{"--replicaof", host + " " + port}})
		l.awaitAlert(t, "RedisForkFullSyncLoop", "loop", "kind", "replication")
	})

	t.Run("stopped child", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, redisrun.Options{}, 20_000)
		l.watch(t, s, "stuck")
		set(t, s, "rdb-key-save-delay", "1000")
		do(t, s, "BGSAVE")
		l.awaitValue(t, `redis_fork_child_progress_ratio{server="stuck"} > 0`)
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.PID(), s.PID()))
		if err != nil {
			t.Fatal(err)
		}
		child, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(child, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		l.awaitAlert(t, "RedisForkChildStuck", "stuck", "kind", "rdb")
		if err := syscall.Kill(child, syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	})

	// As after a change of the service's user.
	t.Run("exporter that may no longer read", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, redisrun.Options{}, 0)
		port, err := redisrun.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		stop := l.export(t, port, s, "blind")
		l.awaitValue(t, `redis_fork_source_available{source="child_smaps",server="blind"} == 1`)
		stop()
		l.export(t, port, s, "blind", asUser(65534)...)
		l.awaitAlert(t, "RedisForkExporterBlind", "blind", "source", "child_smaps")
	})
}

func TestProvokeLimitsMissing(t *testing.T) {
	t.Parallel()
	_, alerts := shippedRules(t)
	l := newLab(t, alerts)
	l.watch(t, newServer(t, redisrun.Options{}, 0), "s")
	for _, limit := range []string{"slow_forks", "child_seconds"} {
		l.awaitAlert(t, "RedisForkLimitsMissing", "", "limit", limit)
	}
}

// This one switches delay accounting on for the whole machine.
func TestProvokeCopies(t *testing.T) {
	sysctl.Set(t, "kernel/task_delayacct", "1")
	limits, alerts := shippedRules(t)
	l := newLab(t, limits, alerts)
	const keys = 400_000
	s := newServer(t, redisrun.Options{}, keys)
	l.watch(t, s, "copies")
	l.awaitValue(t, `redis_fork_source_available{source="taskstats",server="copies"} == 1`)
	l.awaitValue(t, `redis_fork_copy_stall_seconds_total{server="copies"} >= 0`)
	set(t, s, "rdb-key-save-delay", "20")
	load := redisrun.StartLoad(t.Context(), s.Client(), redisrun.LoadOptions{Rate: 20_000, Keys: keys, ValueSize: 100})
	defer load.Stop()
	do(t, s, "BGSAVE")
	l.awaitAlert(t, "RedisForkCopiesStallClients", "copies")
}

// awaitGone waits until an alert about a server is not active any more.
func (l *lab) awaitGone(t *testing.T, name, server string) {
	t.Helper()
	await(t, time.Minute, name+" of "+server+" ends", func() bool {
		var body struct{ Data struct{ Alerts []firing } }
		return get(l.url+"/api/v1/alerts", &body) == nil && !slices.ContainsFunc(body.Data.Alerts, func(f firing) bool {
			return f.Labels["alertname"] == name && f.Labels["server"] == server
		})
	})
}

func newServer(t *testing.T, o redisrun.Options, keys int) *redisrun.Server {
	t.Helper()
	s := redistest.Start(t, o)
	if err := redisrun.Fill(t.Context(), s.Client(), keys, 100); err != nil {
		t.Fatal(err)
	}
	return s
}

func set(t *testing.T, s *redisrun.Server, name, value string) {
	t.Helper()
	if err := s.Client().ConfigSet(t.Context(), name, value).Err(); err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, s *redisrun.Server, args ...any) {
	t.Helper()
	if err := s.Client().Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
}

// start runs a program until the test ends or stop is called.
func start(t *testing.T, cmd *exec.Cmd) (stop func()) {
	t.Helper()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // ended as it was told to
	})
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd.Path, out.String())
		}
	})
	return stop
}

func await(t *testing.T, patience time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain: %s", patience, what)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func get(url string, into any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func status(url string) int {
	resp, err := http.Get(url) //nolint:noctx // ends at once, one way or the other
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// asUser is the command that runs another as a user and group of this number.
func asUser(id int) []string {
	n := strconv.Itoa(id)
	return []string{"setpriv", "--reuid=" + n, "--regid=" + n, "--clear-groups", "--"}
}

// openUp lets other users through to a directory of the test's.
func openUp(t *testing.T, dir string) {
	t.Helper()
	for d := filepath.Dir(dir); d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// throttle gives a server a millisecond of CPU per second, until it is undone.
func throttle(t *testing.T, s *redisrun.Server) (undo func()) {
	t.Helper()
	name := fmt.Sprintf("redis_fork_exporter_provoke_%d_cpu", os.Getpid())
	dir := filepath.Join("/sys/fs/cgroup/cpu", name)
	const us = 1_000_000
	limit := func(quota string) {
		write(t, filepath.Join(dir, "cpu.cfs_period_us"), strconv.Itoa(us))
		write(t, filepath.Join(dir, "cpu.cfs_quota_us"), quota)
	}
	none := "-1"
	if _, err := os.Stat(filepath.Dir(dir)); err != nil {
		dir, none = filepath.Join("/sys/fs/cgroup", name), "max"
		limit = func(quota string) { write(t, filepath.Join(dir, "cpu.max"), quota+" "+strconv.Itoa(us)) }
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		await(t, time.Minute, "the cgroup is empty", func() bool { return os.Remove(dir) == nil })
	})
	write(t, filepath.Join(dir, "cgroup.procs"), strconv.Itoa(s.PID()))
	limit("1000")
	return func() { limit(none) }
}

// cgroup is a memory cgroup of the test's own, of either version.
type cgroup struct{ dir, usageAt, limitAt string }

func newCgroup(t *testing.T, name string) cgroup {
	t.Helper()
	name = fmt.Sprintf("redis_fork_exporter_provoke_%d_%s", os.Getpid(), name)
	c := cgroup{filepath.Join("/sys/fs/cgroup/memory", name), "memory.usage_in_bytes", "memory.limit_in_bytes"}
	if _, err := os.Stat(filepath.Dir(c.dir)); err != nil {
		c = cgroup{filepath.Join("/sys/fs/cgroup", name), "memory.current", "memory.max"}
	}
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c cgroup) add(t *testing.T, s *redisrun.Server) {
	t.Helper()
	write(t, filepath.Join(c.dir, "cgroup.procs"), strconv.Itoa(s.PID()))
	// Clean-ups run in reverse: the server, started before, would still be inside.
	t.Cleanup(func() {
		s.Kill()
		await(t, time.Minute, "the cgroup is empty", func() bool { return os.Remove(c.dir) == nil })
	})
}

func (c cgroup) limitTo(t *testing.T, bytes int) {
	t.Helper()
	write(t, filepath.Join(c.dir, c.limitAt), strconv.Itoa(bytes))
}

func (c cgroup) usage(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, c.usageAt))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
