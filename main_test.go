package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-fork-exporter/redis_fork_exporter/exporter"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
)

// noEnvironment hides what the machine's environment says.
func noEnvironment(t *testing.T) {
	t.Helper()
	for _, name := range []string{"REDIS_USER", "REDIS_PASSWORD", "REDIS_PASSWORD_FILE"} {
		t.Setenv(name, "") // restores it at the end
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

func mustParse(t *testing.T, args ...string) exporter.Config {
	t.Helper()
	c, logs, err := parseExporter(args)
	if err != nil {
		t.Fatal(err)
	}
	if logs == nil {
		t.Error("no configuration of logs")
	}
	return c
}

func TestDefaults(t *testing.T) {
	noEnvironment(t)
	c, want := mustParse(t), exporter.DefaultConfig()
	if diff := cmp.Diff(want.Web.WebListenAddresses, c.Web.WebListenAddresses); diff != "" {
		t.Errorf("listens (-want +got):\n%s", diff)
	}
	c.Web, want.Web = nil, nil
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("the exporter (-want +got):\n%s", diff)
	}
	checks, err := parseCheck(nil)
	if err != nil {
		t.Fatal(err)
	}
	measures, err := parseMeasure(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]fleet.Config{"check": checks.Config, "measure": measures.Config} {
		if diff := cmp.Diff(fleet.DefaultConfig(), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFlags(t *testing.T) {
	noEnvironment(t)
	c := mustParse(t,
		"--server=a=h:1", "--server", "unix:///run/r.sock", "--redis.user=u", "--redis.password-file=/p",
		"--redis.tls-ca-file=ca", "--redis.tls-cert-file=cert", "--redis.tls-key-file=key",
		"--redis.tls-server-name=name", "--redis.tls-insecure-skip-verify",
		"--sampling=off", "--sampling.interval=1s", "--sampling.budget=0.5", "--poll.interval=20ms",
		"--path.procfs=/host/proc", "--path.sysfs=/host/sys",
		"--web.telemetry-path=/m", "--web.listen-address=:1", "--web.listen-address=:2", "--log.level=debug")
	if got := *c.Web.WebListenAddresses; !cmp.Equal(got, []string{":1", ":2"}) {
		t.Errorf("listens on %q", got)
	}
	c.Web = nil
	want := exporter.Config{
		Config: fleet.Config{
			Targets: []fleet.Target{
				{Name: "a", Network: "tcp", Addr: "h:1"},
				{Name: "unix:///run/r.sock", Network: "unix", Addr: "/run/r.sock"},
			},
			User: "u", PasswordFile: "/p",
			TLS:    fleet.TLSConfig{CAFile: "ca", CertFile: "cert", KeyFile: "key", ServerName: "name", InsecureSkipVerify: true},
			ProcFS: "/host/proc", SysFS: "/host/sys",
			PollInterval:   20 * time.Millisecond,
			SampleInterval: time.Second, SampleBudget: 0.5,
		},
		TelemetryPath: "/m",
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("REDIS_USER", "env-user")
	t.Setenv("REDIS_PASSWORD", "env-password")
	t.Setenv("REDIS_PASSWORD_FILE", "/env/file")
	c := mustParse(t)
	if c.User != "env-user" || c.Password != "env-password" || c.PasswordFile != "/env/file" {
		t.Errorf("user %q, password %q, file %q", c.User, c.Password, c.PasswordFile)
	}
	c = mustParse(t, "--redis.user=flag-user", "--redis.password-file=/flag/file")
	if c.User != "flag-user" || c.PasswordFile != "/flag/file" {
		t.Errorf("user %q, file %q: a flag goes before the environment", c.User, c.PasswordFile)
	}
}

// All of these end with status 2 and a text that names what is wrong.
func TestBadFlags(t *testing.T) {
	noEnvironment(t)
	for _, test := range []struct{ arg, want string }{
		{"--no-such-flag", "unknown long flag"},
		{"stray", "stray"},
		{"--sampling=maybe", "on,off"},
		{"--sampling.interval=soon", "soon"},
		{"--sampling.budget=much", "much"},
		{"--log.level=loud", "loud"},
		{"--server=http://h", "unknown scheme"},
		{"--server=redis://u:hunter2@h", "REDIS_PASSWORD"},
	} {
		_, _, err := parseExporter([]string{test.arg})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.arg, err, test.want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error repeats the password: %v", test.arg, err)
		}
		if got := run([]string{test.arg}); got != 2 {
			t.Errorf("%s: status %d, want 2", test.arg, got)
		}
	}
	_, _, err := parseExporter([]string{"--server=http://a", "--server=ok", "--server=ftp://b"})
	if err == nil || !strings.Contains(err.Error(), "http://a") || !strings.Contains(err.Error(), "ftp://b") {
		t.Errorf("error %v, want it to name both bad servers", err)
	}
}

func TestTakenPort(t *testing.T) {
	noEnvironment(t)
	t.Setenv("GOMAXPROCS", "2") // run leaves it alone then
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := run([]string{"--server=127.0.0.1:1", "--web.listen-address=" + l.Addr().String()}); got != 1 {
		t.Errorf("status %d, want 1", got)
	}
	if got := run([]string{"--server=a", "--server=a", "--web.listen-address=127.0.0.1:0"}); got != 1 {
		t.Errorf("status %d with one server twice, want 1", got)
	}
}

func TestProgram(t *testing.T) {
	noEnvironment(t)
	for _, test := range []struct {
		arg    string
		status int
		want   string
	}{
		{"--version", 0, "redis_fork_exporter, version"},
		{"--help", 0, "--redis.password-file"},
		{"--no-such-flag", 2, "redis_fork_exporter: unknown long flag '--no-such-flag'; see redis_fork_exporter --help"},
		{"--web.telemetry-path=/", 1, "telemetry path"},
	} {
		cmd := exec.CommandContext(t.Context(), program, test.arg)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if status := cmd.ProcessState.ExitCode(); status != test.status || !strings.Contains(string(out), test.want) {
			t.Errorf("%s: status %d, want %d and %q in\n%s", test.arg, status, test.status, test.want, out)
		}
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) { testSignal(t, sig) })
	}
}

// testSignal starts the program, ends it by a signal and looks at its last words.
func testSignal(t *testing.T, sig syscall.Signal) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	var words strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // it has hung then
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--server=127.0.0.1:1", "--web.listen-address="+addr)
	cmd.Stderr = &words
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for !answers(ctx, "http://"+addr+"/-/ready") {
		if ctx.Err() != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := cmd.Process.Signal(sig); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v, want status 0", err)
	}
	for _, want := range []string{"Starting redis_fork_exporter", "The server does not answer INFO", "msg=Stopped"} {
		if !strings.Contains(words.String(), want) {
			t.Errorf("%q is not in\n%s", want, words.String())
		}
	}
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}
