package exporter

import (
	"bufio"
	"context"
	"html"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// faulty is an exporter that watches a server with which something is wrong,
// called "bad", and one that is well, called "ok".
type faulty struct {
	*running
	ok *redisrun.Server
}

func startFaulty(t *testing.T, bad string, change ...func(*Config)) faulty {
	t.Helper()
	ok := redistest.Start(t, redisrun.Options{Unix: true})
	return faulty{startExporter(t, []string{"bad=" + bad, "ok=unix://" + ok.Addr()}, change...), ok}
}

func (f faulty) of(server, name string, labels ...string) float64 {
	f.t.Helper()
	return f.value(name, append(labels, "server", server)...)
}

// awaitDown waits until the bad server is down for a reason, and the first page
// tells it in these words.
func (f faulty) awaitDown(reason, words string) {
	f.t.Helper()
	f.await("bad is down because of "+reason, func() bool {
		m := f.metrics()
		return valueOf(m, "redis_fork_up", "server", "bad") == 0 &&
			valueOf(m, "redis_fork_exporter_read_errors_total", "server", "bad", "source", "info", "reason", reason) > 0
	})
	f.await("the page says: "+words, func() bool { return strings.Contains(f.page("/"), words) })
	for _, other := range track.ReadErrors {
		if other.Source != fork.SourceInfo || other.Reason == reason {
			continue
		}
		if v := f.of("bad", "redis_fork_exporter_read_errors_total", "source", "info", "reason", other.Reason); v != 0 {
			f.t.Errorf("%v errors of reason %s, want only %s", v, other.Reason, reason)
		}
	}
}

func (r *running) page(path string) string {
	r.t.Helper()
	resp, err := r.get(path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return html.UnescapeString(string(b))
}

// okGoesOn checks that the healthy server is followed as if nothing had happened.
func (f faulty) okGoesOn() {
	f.t.Helper()
	f.await("the process of ok is found", func() bool {
		return f.of("ok", "redis_fork_source_available", "source", "process") == 1
	})
	before := len(f.forksOf("ok"))
	slowly(f.t, f.ok)
	do(f.t, f.ok, "BGSAVE")
	f.await("the save of ok is recorded", func() bool { return len(f.forksOf("ok")) > before })
	if last := f.forksOf("ok")[before]; last.Outcome != fork.OutcomeOK || last.Kind != fork.KindRDB {
		f.t.Errorf("fork of ok: %+v", last)
	}
	if v := f.of("ok", "redis_fork_up"); v != 1 {
		f.t.Errorf("ok is down")
	}
}

// slowly makes saves take a fifth of a second: the child of an empty server may
// be gone between two looks, and is then counted but has no record.
func slowly(t *testing.T, s *redisrun.Server) {
	t.Helper()
	fill(t, s, 200)
	set(t, s, "rdb-key-save-delay", "1000")
}

func (r *running) forksOf(server string) []fork.Record {
	r.t.Helper()
	return slices.DeleteFunc(r.forks(), func(f fork.Record) bool { return f.Server != server })
}

// awaitSave saves on the bad server and checks both accounts: n forks so far.
func (f faulty) awaitSave(s *redisrun.Server, n float64) {
	f.t.Helper()
	f.await("the process of bad is found", func() bool {
		return f.of("bad", "redis_fork_source_available", "source", "process") == 1
	})
	do(f.t, s, "BGSAVE")
	f.awaitBadAccounts(n)
}

func (f faulty) awaitBadAccounts(n float64) {
	f.t.Helper()
	f.await("the forks of bad are counted", func() bool {
		m := f.metrics()
		return valueOf(m, "redis_fork_children_total", "server", "bad", "kind", "rdb")+
			valueOf(m, "redis_fork_unobserved_children_total", "server", "bad") == n &&
			valueOf(m, "redis_fork_stall_seconds", "server", "bad")+
				valueOf(m, "redis_fork_unobserved_stalls_total", "server", "bad") == n
	})
}

// Nobody listens; then somebody does.
func TestNoServerThenOne(t *testing.T) {
	port, err := redisrun.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	f := startFaulty(t, "127.0.0.1:"+strconv.Itoa(port))
	f.awaitDown("unreachable", "connection refused: is the server running and is 127.0.0.1:"+strconv.Itoa(port)+" right?")
	if v := f.of("bad", "redis_fork_source_available", "source", "process"); v != 0 {
		t.Errorf("source_available{process} = %v without a server", v)
	}
	f.okGoesOn()
	s := redistest.Start(t, redisrun.Options{Port: port})
	f.await("bad is up", func() bool { return f.of("bad", "redis_fork_up") == 1 })
	f.awaitSave(s, 1)
}

func TestNoSocket(t *testing.T) {
	f := startFaulty(t, filepath.Join(t.TempDir(), "none.sock"))
	f.awaitDown("unreachable", "no such socket")
	f.okGoesOn()
}

func TestNoSuchHost(t *testing.T) {
	f := startFaulty(t, "no-such-host.invalid")
	f.await("bad is down", func() bool {
		return f.of("bad", "redis_fork_up") == 0 && f.of("bad", "redis_fork_exporter_read_errors_total", "source", "info") != missing
	})
	f.okGoesOn()
}

func TestNoPasswordGiven(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{Password: "hunter2"})
	f := startFaulty(t, s.Addr())
	f.awaitDown("auth", "the server wants a password: set REDIS_PASSWORD or --redis.password-file")
	f.okGoesOn()
}

// The password is wrong, then right, then rotated: at each time what the file
// holds is what counts.
func TestPasswordInAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	write := func(password string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong-one")
	s := redistest.Start(t, redisrun.Options{Password: "hunter2"})
	f := startFaulty(t, "redis://"+s.Addr()+"?password_file="+file)
	f.awaitDown("auth", "user name or password is wrong")
	if page := f.page("/"); strings.Contains(page, "wrong-one") {
		t.Error("the page shows a password")
	}
	f.okGoesOn()
	write("hunter2")
	f.await("bad is up with the right password", func() bool { return f.of("bad", "redis_fork_up") == 1 })
	f.awaitSave(s, 1)

	set(t, s, "requirepass", "hunter3")
	do(t, s, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	f.await("bad is down with the old password", func() bool { return f.of("bad", "redis_fork_up") == 0 })
	write("hunter3")
	f.await("bad is up with the new password", func() bool { return f.of("bad", "redis_fork_up") == 1 })
	f.awaitSave(s, 2)

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	do(t, s, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	f.await("the page says what is the matter", func() bool { return strings.Contains(f.page("/"), "the password cannot be read") })
}

func TestTLSToAPlainPort(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisrun.Options{})
	f := startFaulty(t, "rediss://"+s.Addr())
	// A plain server either complains about what it takes for a command, or waits
	// for the end of the line.
	told := func() bool {
		page := f.page("/")
		return strings.Contains(page, "does not speak TLS") || strings.Contains(page, "is it a TLS port?")
	}
	failures := func() float64 {
		m := f.metrics()
		return valueOf(m, "redis_fork_exporter_read_errors_total", "server", "bad", "source", "info", "reason", "tls") +
			valueOf(m, "redis_fork_exporter_read_errors_total", "server", "bad", "source", "info", "reason", "timeout")
	}
	f.await("the page asks whether it is a TLS port", told)
	before := failures()
	f.await("the page goes on saying so until the next failure", func() bool {
		if !told() {
			t.Fatal("the page has forgotten what the matter is")
		}
		return failures() > before
	})
	if v := f.of("bad", "redis_fork_up"); v != 0 {
		t.Errorf("up = %v", v)
	}
	f.okGoesOn()
}

// A server that stands still is down, and the exporter is not.
func TestServerHangs(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisrun.Options{})
	f := startFaulty(t, s.Addr())
	f.awaitSave(s, 1)
	kill(t, s.PID(), syscall.SIGSTOP)
	f.await("bad is down", func() bool { return f.of("bad", "redis_fork_up") == 0 })
	if v := f.of("bad", "redis_fork_source_available", "source", "process"); v != 1 {
		t.Errorf("source_available{process} = %v: the process is still there", v)
	}
	if !strings.Contains(f.page("/"), "has not answered INFO for more than a second") {
		t.Error("the page does not say why it is down")
	}
	f.okGoesOn()
	f.awaitDown("timeout", "no answer from")
	kill(t, s.PID(), syscall.SIGCONT)
	f.await("bad is up again", func() bool { return f.of("bad", "redis_fork_up") == 1 })
	f.awaitSave(s, 2)
}

// A server that stands still while its child saves, and when it ends: the
// record does not wait for it.
func TestServerHangsDuringASave(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisrun.Options{})
	f := startFaulty(t, s.Addr())
	f.await("the process is found", func() bool { return f.of("bad", "redis_fork_source_available", "source", "process") == 1 })
	fill(t, s, 4*slowKeys)
	set(t, s, "rdb-key-save-delay", "1000")
	do(t, s, "BGSAVE")
	f.awaitChild()
	kill(t, s.PID(), syscall.SIGSTOP)
	f.await("the record is closed", func() bool { return len(f.forksOf("bad")) == 1 })
	record := f.forksOf("bad")[0]
	if record.Outcome != fork.OutcomeOK || record.Kind != fork.KindRDB || record.ExitStatus.Or(-1) != 0 || record.PeakBytes.Or(0) == 0 {
		t.Errorf("record %+v", record)
	}
	if v := f.of("bad", "redis_fork_up"); v != 0 {
		t.Errorf("up = %v while it stands still", v)
	}
	f.okGoesOn()
	kill(t, s.PID(), syscall.SIGCONT)
	f.await("bad is up again", func() bool { return f.of("bad", "redis_fork_up") == 1 })
	f.awaitBadAccounts(1)
	f.awaitSave(s, 2)
}

func kill(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

func TestLongScript(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{Args: []string{"--lua-time-limit", "100"}})
	f := startFaulty(t, s.Addr())
	f.awaitSave(s, 1)
	other := s.Client().Conn()
	defer other.Close()
	ended := make(chan error, 1)
	go func() { ended <- other.Do(t.Context(), "EVAL", "while true do end", "0").Err() }()
	f.awaitDown("busy", "the server is busy with a script or function")
	f.okGoesOn()
	do(t, s, "SCRIPT", "KILL")
	if err := <-ended; err == nil {
		t.Error("the endless script has ended by itself")
	}
	f.await("bad is up again", func() bool { return f.of("bad", "redis_fork_up") == 1 })
	f.awaitSave(s, 2)
}

// What listens at the address is no Redis server, or answers half.
func TestNoRedisServer(t *testing.T) {
	for _, test := range []struct{ name, answer, reason, words string }{
		{"a web server", "HTTP/1.1 400 Bad Request\r\n\r\n", "protocol", "is it a Redis server's port?"},
		{"rubbish", "\x00\x01\x02\r\n", "protocol", "is it a Redis server's port?"},
		{"a reply that is no INFO", "+OK\r\n", "protocol", "no INFO reply"},
		{"an INFO whose first section is cut short", "$24\r\n# Server\r\nredis_version:\r\n", "protocol", "no INFO reply"},
		{"an INFO of a gigabyte", "$1073741824\r\n", "protocol", "too large"},
		{"a connection cut in the middle of INFO", "$5000\r\n# Server\r\nredis_version:7.0.15\r\n", "unreachable", "in the middle of an answer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := startFaulty(t, listenFake(t, test.answer))
			f.awaitDown(test.reason, test.words)
			f.okGoesOn()
		})
	}
}

// listenFake answers HELLO as servers before 6.0 do, INFO with the given bytes,
// and hangs up.
func listenFake(t *testing.T, info string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			lines := bufio.NewScanner(c)
			for lines.Scan() {
				word := strings.ToLower(lines.Text())
				if word == "info" {
					_, _ = io.WriteString(c, info)
					break
				}
				if word == "hello" {
					_, _ = io.WriteString(c, "-ERR unknown command\r\n")
				}
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return l.Addr().String()
}

func TestTwoExportersOnOnePort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := testConfig(t, "127.0.0.1:1")
	c.Web = &web.FlagConfig{WebListenAddresses: &[]string{l.Addr().String()}, WebSystemdSocket: new(bool), WebConfigFile: new(string)}
	err = Run(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "--web.listen-address") || !strings.Contains(err.Error(), "another exporter") {
		t.Errorf("error %v, want one that says what to do", err)
	}
}

// The exporter is stopped, and started again, while a child saves. The second
// one sees the child as one whose beginning it has missed.
func TestStopDuringASave(t *testing.T) {
	s, r := startPair(t, redisrun.Options{})
	child := startSlowSave(t, s, r)
	if err := r.stop(); err != nil {
		t.Fatalf("Run ends with %v, want nil", err)
	}
	if err := syscall.Kill(child, 0); err != nil {
		t.Errorf("the child has not survived the exporter: %v", err)
	}
	again := startExporter(t, []string{"s=" + s.Addr()})
	if pid := again.awaitChild(); pid != child {
		t.Errorf("child %d, want %d", pid, child)
	}
	kill(t, child, syscall.SIGKILL)
	if f := again.awaitForks(1)[0]; !f.Partial || f.Outcome != fork.OutcomeKilled {
		t.Errorf("record %+v, want a partial one of a killed child", f)
	}
	if v := again.value("redis_fork_stall_seconds"); v != 0 {
		t.Errorf("%v stalls observed of a fork from before", v)
	}
}

// needRoot skips a test that changes users or namespaces.
func needRoot(t *testing.T, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("running servers and exporters under other users or in other namespaces needs root")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("this needs %s (Debian: util-linux): %v", p, err)
		}
	}
	if len(programs) > 0 && slices.Contains(programs, "unshare") {
		if err := exec.CommandContext(t.Context(), "unshare", "--pid", "--fork", "--mount-proc", "true").Run(); err != nil {
			t.Skipf("this needs the right to make PID namespaces: %v", err)
		}
	}
}

// openDir is a temporary directory that every user can reach.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// buildExporter builds the program.
func buildExporter(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(openDir(t), "redis_fork_exporter")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", binary, "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// startProgram runs a command that ends in the exporter's program, over one server.
func startProgram(t *testing.T, server string, command ...string) *running {
	t.Helper()
	port, err := redisrun.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	addr := "127.0.0.1:" + strconv.Itoa(port)
	command = append(command, "--server=s="+server, "--web.listen-address="+addr, "--sampling.interval=50ms")
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = "/"
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // killed
	})
	r := &running{t: t, url: "http://" + addr, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}}
	r.await("the program has asked its server", func() bool {
		resp, err := r.get("/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return r
}

func TestOtherProcesses(t *testing.T) {
	testutil.Real(t, "redis-server")
	needRoot(t, "setpriv", "unshare", "nsenter")
	binary := buildExporter(t)
	t.Run("another user", func(t *testing.T) { testAnotherUser(t, binary) })
	t.Run("a PID namespace from which the server can't be seen", func(t *testing.T) { testHiddenServer(t, binary) })
}

// The exporter and the server are two users without any rights over each other:
// births, ends and their reasons are seen, memory is not.
func testAnotherUser(t *testing.T, binary string) {
	dir := openDir(t)
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	s := redistest.Start(t, redisrun.Options{
		Dir: dir, Wrapper: []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"},
	})
	r := startProgram(t, s.Addr(), "setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "--", binary)
	r.await("the process is found", func() bool { return r.value("redis_fork_source_available", "source", "process") == 1 })
	if v := r.value("redis_fork_source_available", "source", "child_smaps"); v != 0 {
		t.Errorf("source_available{child_smaps} = %v, want 0", v)
	}
	if !strings.Contains(r.page("/"), "run the exporter as the server's user and group") {
		t.Error("the page does not say how to see the children's memory")
	}
	fill(t, s, 100*slowKeys)
	set(t, s, "rdb-key-save-delay", "1000")
	do(t, s, "BGSAVE")
	r.await("the child is seen", func() bool { return r.value("redis_fork_child_running", "kind", "rdb") == 1 })
	if v := r.value("redis_fork_child_private_dirty_bytes"); v != missing {
		t.Errorf("private dirty of a child that can't be read: %v, want no series", v)
	}
	children, err := os.ReadFile("/proc/" + strconv.Itoa(s.PID()) + "/task/" + strconv.Itoa(s.PID()) + "/children")
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(children)))
	if err != nil {
		t.Fatal(err)
	}
	kill(t, child, syscall.SIGKILL)
	f := r.awaitForks(1)[0]
	want, reason := fork.OutcomeKilled, fork.ReasonSignal
	if !pidfdTellsExit(t) {
		want, reason = fork.OutcomeFailed, fork.ReasonExit // all that INFO says
	}
	r.wantOutcome(f, fork.KindRDB, want, reason)
	for _, p := range f.Curve {
		if p.Source == fork.SourceChildSmaps || !p.Error.Present() {
			t.Errorf("point %+v: only estimates with an error can be had here", p)
		}
	}
	set(t, s, "rdb-key-save-delay", "0")
	do(t, s, "BGSAVE")
	if f := r.awaitForks(2)[1]; f.Outcome != fork.OutcomeOK {
		t.Errorf("the next save: %+v", f)
	}
	r.awaitAccounts(2)
}

// pidfdTellsExit tells whether the kernel says to everybody how a process ended
// (Linux 6.15).
func pidfdTellsExit(t *testing.T) bool {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	major, rest, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, errX := strconv.Atoi(major)
	y, errY := strconv.Atoi(minor)
	if errX != nil || errY != nil {
		t.Fatalf("release %s", u.Release[:])
	}
	return x > 6 || x == 6 && y >= 15
}

// The exporter is in a container of its own, or on another machine: what INFO
// counts is all there is.
func testHiddenServer(t *testing.T, binary string) {
	s := redistest.Start(t, redisrun.Options{})
	r := startProgram(t, s.Addr(), "unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "--", binary)
	m := r.metrics()
	if up, process := valueOf(m, "redis_fork_up"), valueOf(m, "redis_fork_source_available", "source", "process"); up != 1 || process != 0 {
		t.Errorf("up %v, process %v; want 1 and 0", up, process)
	}
	if page := r.page("/"); !strings.Contains(page, "PID namespace") && !strings.Contains(page, "another machine") {
		t.Error("the page does not say why there is no process")
	}
	do(t, s, "BGSAVE")
	r.awaitAccounts(1)
	m = r.metrics()
	if v := valueOf(m, "redis_fork_stall_seconds"); v != 1 {
		t.Errorf("%v stalls, want the one that INFO tells", v)
	}
	if v := valueOf(m, "redis_fork_unobserved_children_total"); v != 1 {
		t.Errorf("%v children unobserved, want 1", v)
	}
	if v := valueOf(m, "redis_fork_child_private_dirty_bytes"); v != missing {
		t.Errorf("private dirty %v, want no series", v)
	}
	if forks := r.forks(); len(forks) != 0 {
		t.Errorf("records out of nowhere: %+v", forks)
	}
}

// A server that is PID 1 of a container: it is found by its pid in there, and
// the orphans that it inherits are no forks.
func TestServerInAPIDNamespace(t *testing.T) {
	needRoot(t, "unshare", "nsenter")
	redistest.OnlyPIDNamespace(t)
	s, r := startPair(t, redisrun.Options{Wrapper: []string{"unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "--"}})
	t.Cleanup(func() { _ = syscall.Kill(s.PID(), syscall.SIGKILL) }) // unshare itself would wait for it
	if got := field(t, s, "process_id"); got != "1" {
		t.Fatalf("the server is process %s of its namespace, want 1", got)
	}
	pid := strconv.Itoa(s.PID())
	children := func() string {
		b, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	// A shell that ends before what it has started.
	out, err := exec.CommandContext(t.Context(), "nsenter", "--target", pid, "--pid", "--", "sh", "-c", "sleep 600 >/dev/null 2>&1 & exit").CombinedOutput()
	if err != nil {
		t.Fatalf("nsenter: %v\n%s", err, out)
	}
	r.await("the server has adopted the orphan", func() bool { return children() != "" })
	orphan := children()
	r.awaitInfos(s, 3)
	if v := r.value("redis_fork_child_running", "kind", "unknown"); v != 0 && v != missing {
		t.Errorf("the orphan counts as a running child")
	}
	slowly(t, s)
	do(t, s, "BGSAVE")
	f := r.awaitForks(1)[0]
	if f.Outcome != fork.OutcomeOK || f.Kind != fork.KindRDB || f.ServerPID != s.PID() || strconv.Itoa(f.ChildPID) == orphan {
		t.Errorf("record %+v", f)
	}
	orphanPID, err := strconv.Atoi(orphan)
	if err != nil {
		t.Fatal(err)
	}
	kill(t, orphanPID, syscall.SIGKILL)
	r.awaitInfos(s, 3)
	if forks := r.forks(); len(forks) != 1 {
		t.Errorf("%d forks, want the save only: %+v", len(forks), forks)
	}
	r.awaitAccounts(1)
	if v := r.value("redis_fork_children_failed_total", "kind", "unknown"); v > 0 {
		t.Errorf("the orphan's end counts as a failure")
	}
}
