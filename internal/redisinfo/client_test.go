package redisinfo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

const secret = "correct-horse-battery"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestClientInfo(t *testing.T) {
	for _, unix := range []bool{false, true} {
		s := redistest.Start(t, redisrun.Options{Unix: unix, Args: []string{"--save", "60", "1000", "--save", "900", "1"}})
		c := client(t, s, redisinfo.Options{})
		if _, ok := c.Peer(); ok {
			t.Error("peer before the first connection")
		}
		i := info(t, c)
		if i.Software != "redis" || i.ProcessID != opt.Of(s.PID()) || i.Role != "master" {
			t.Errorf("%s %v %s", i.Software, i.ProcessID, i.Role)
		}
		if i.MisconfErrors != opt.Of[uint64](0) {
			t.Errorf("MisconfErrors %v: is Errorstats a default section?", i.MisconfErrors)
		}
		if got, err := c.SavePoint(t.Context()); err != nil || got != opt.Of(redisinfo.SavePoint{Seconds: 900, Changes: 1}) {
			t.Errorf("SavePoint %v, %v; want 900 1", got, err)
		}
		peer, ok := c.Peer()
		switch {
		case !ok:
			t.Error("no peer")
		case unix && peer != redisinfo.Peer{PID: s.PID()}:
			t.Errorf("peer %+v, want pid %d", peer, s.PID())
		case !unix && (peer.Remote != netip.MustParseAddrPort(s.Addr()) || peer.Local.Port() == 0 || peer.PID != 0):
			t.Errorf("peer %+v of server %s", peer, s.Addr())
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		if _, ok := c.Peer(); ok {
			t.Error("peer after Close")
		}
		if _, err := c.Info(t.Context()); err == nil {
			t.Error("Info after Close worked")
		}
	}
}

func TestClientKeepsItsConnection(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{})
	c := client(t, s, redisinfo.Options{})
	info(t, c)
	first, _ := c.Peer()
	info(t, c)
	if second, _ := c.Peer(); second != first {
		t.Errorf("peer %v, then %v", first, second)
	}
}

// The server closes the connection between two polls: the second poll must not fail.
func TestClientSurvivesAClosedConnection(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{})
	c := client(t, s, redisinfo.Options{})
	info(t, c)
	first, _ := c.Peer()
	if n, err := s.Client().ClientKillByFilter(t.Context(), "ADDR", first.Local.String()).Result(); n != 1 || err != nil {
		t.Fatalf("killed %d, %v", n, err)
	}
	info(t, c)
	if second, _ := c.Peer(); second == first {
		t.Error("same connection")
	}
}

func TestClientSeesARestartAtOnce(t *testing.T) {
	dir := t.TempDir()
	s := redistest.Start(t, redisrun.Options{Dir: dir})
	c := client(t, s, redisinfo.Options{})
	old := info(t, c).RunID
	s.Kill()
	for range 3 {
		wantError(t, c, redisinfo.ReasonUnreachable, "connection refused")
	}
	if _, ok := c.Peer(); ok {
		t.Error("peer of a server that is gone")
	}
	again := redistest.Start(t, redisrun.Options{Dir: dir, Port: port(t, s)})
	if got := info(t, c); got.RunID == old || got.ProcessID != opt.Of(again.PID()) {
		t.Errorf("run id %s, pid %v", got.RunID, got.ProcessID)
	}
}

func TestClientPassword(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{Password: secret})
	password := func(p string) func() (string, error) { return func() (string, error) { return p, nil } }

	wantError(t, client(t, s, redisinfo.Options{}), redisinfo.ReasonAuth, "set REDIS_PASSWORD or --redis.password-file")
	wantError(t, client(t, s, redisinfo.Options{Password: password("wrong-" + secret)}), redisinfo.ReasonAuth, "password is wrong")
	wantError(t, client(t, s, redisinfo.Options{Username: "nobody", Password: password(secret)}), redisinfo.ReasonAuth, "user nobody")
	wantError(t, client(t, s, redisinfo.Options{Password: func() (string, error) { return "", os.ErrPermission }}), redisinfo.ReasonAuth, "permission denied")
	info(t, client(t, s, redisinfo.Options{Password: password(secret)}))
	info(t, client(t, s, redisinfo.Options{Username: "default", Password: password(secret)}))
}

// A new password in the file is used for the next connection.
func TestClientRotatedPassword(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{Password: "old"})
	var current atomic.Value
	current.Store("old")
	c := client(t, s, redisinfo.Options{Password: func() (string, error) { return current.Load().(string), nil }})
	info(t, c)
	ctx := t.Context()
	if err := s.Client().ConfigSet(ctx, "requirepass", "new").Err(); err != nil {
		t.Fatal(err)
	}
	info(t, c) // a connection that is authenticated stays so
	peer, _ := c.Peer()
	if err := s.Client().ClientKillByFilter(ctx, "ADDR", peer.Local.String()).Err(); err != nil {
		t.Fatal(err)
	}
	wantError(t, c, redisinfo.ReasonAuth, "password is wrong")
	current.Store("new")
	info(t, c)
}

func TestClientACL(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{})
	for user, rules := range map[string][]string{
		"enough": {"+info", "+ping"},
		"little": {"+ping"},
	} {
		rules = append([]string{"reset", "on", ">" + secret}, rules...)
		if err := s.Client().ACLSetUser(t.Context(), user, rules...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	password := func() (string, error) { return secret, nil }
	enough := client(t, s, redisinfo.Options{Username: "enough", Password: password})
	info(t, enough)
	if got, err := enough.SavePoint(t.Context()); !errors.Is(err, redisinfo.ErrMayNotAsk) || got.Present() {
		t.Errorf("SavePoint without the right to ask: %v, %v; want ErrMayNotAsk", got, err)
	}
	wantError(t, client(t, s, redisinfo.Options{Username: "little", Password: password}),
		redisinfo.ReasonAuth, "ACL user little may not call INFO: ACL SETUSER little +info +ping")
}

func TestClientSavePointOfARenamedConfig(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{Args: []string{"--rename-command", "CONFIG", ""}})
	if got, err := client(t, s, redisinfo.Options{}).SavePoint(t.Context()); !errors.Is(err, redisinfo.ErrMayNotAsk) || got.Present() {
		t.Errorf("%v, %v; want absent", got, err)
	}
}

func TestClientInfoRenamed(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{Args: []string{"--rename-command", "INFO", ""}})
	wantError(t, client(t, s, redisinfo.Options{}), redisinfo.ReasonProtocol, "does not know INFO")
}

func TestClientMaxClients(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{})
	if err := s.Client().ConfigSet(t.Context(), "maxclients", "1").Err(); err != nil {
		t.Fatal(err)
	}
	wantError(t, client(t, s, redisinfo.Options{}), redisinfo.ReasonBusy, "maxclients")
}

func TestClientBusyScript(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{Args: []string{"--busy-reply-threshold", "10"}})
	c := client(t, s, redisinfo.Options{})
	info(t, c)
	done := make(chan error, 1)
	go func() { done <- s.Client().Eval(context.Background(), "while true do end", nil).Err() }()
	t.Cleanup(func() {
		if err := s.Client().ScriptKill(context.Background()).Err(); err != nil {
			t.Error(err)
		}
		if err := <-done; err == nil {
			t.Error("an endless loop ended")
		}
	})
	eventually(t, func() bool {
		_, err := c.Info(t.Context())
		return err != nil
	}, "INFO is answered while a script runs")
	wantError(t, c, redisinfo.ReasonBusy, "SCRIPT KILL")
}

// A reply that comes after its deadline must not be taken for that of the next call.
func TestClientHungServer(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{})
	c := client(t, s, redisinfo.Options{})
	info(t, c)
	if err := syscall.Kill(s.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(s.PID(), syscall.SIGCONT) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Info(ctx)
	checkError(t, err, redisinfo.ReasonTimeout, "in time")
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
		t.Errorf("cause %v", errors.Unwrap(err))
	}
	if err := syscall.Kill(s.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if got, err := c.SavePoint(t.Context()); err != nil || got.Present() {
		t.Errorf("the call after: %v, %v", got, err)
	}
	info(t, c)
}

func TestClientCancel(t *testing.T) {
	addr := fake(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	c := redisinfo.NewClient(redisinfo.Options{Network: "tcp", Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := c.Info(ctx)
		done <- err
	}()
	eventually(t, func() bool { _, ok := c.Peer(); return ok }, "no connection")
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	case <-time.After(3 * time.Second): // below the 5 s after which go-redis gives up by itself
		t.Error("Info goes on after its context was cancelled")
	}
}

func TestClientConcurrent(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{Unix: true})
	c := client(t, s, redisinfo.Options{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if _, err := c.Info(t.Context()); err != nil {
					t.Error(err)
				}
				c.Peer()
			}
		})
	}
	wg.Wait()
	// The server's own client, and one more.
	if clients := strings.Count(s.Client().ClientList(t.Context()).Val(), "\n"); clients != 2 {
		t.Errorf("%d clients at the server, want 2", clients)
	}
	peer, ok := c.Peer()
	if !ok || peer.PID != s.PID() {
		t.Errorf("peer %v, %v", peer, ok)
	}
}

func TestClientUnreachable(t *testing.T) {
	free, err := redisrun.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	refused := net.JoinHostPort("127.0.0.1", strconv.Itoa(free))
	noSocket := filepath.Join(t.TempDir(), "s")
	for _, tt := range []struct{ network, addr, hint string }{
		{"tcp", refused, "connection refused: is the server running and is " + refused + " right?"},
		{"unix", noSocket, "no such socket"},
		{"tcp", "not..a..name:6379", "cannot be resolved"},
		{"tcp", "no-port", "cannot connect"},
	} {
		c := redisinfo.NewClient(redisinfo.Options{Network: tt.network, Addr: tt.addr})
		t.Cleanup(func() { _ = c.Close() })
		wantError(t, c, redisinfo.ReasonUnreachable, tt.hint)
	}
}

// Servers that are none.
func TestClientFakes(t *testing.T) {
	// answer sends first for the client's HELLO, then second for its INFO, and hangs up.
	answer := func(first, second string) func(net.Conn) {
		return func(conn net.Conn) {
			buf := make([]byte, 4096)
			for _, a := range []string{first, second} {
				if _, err := conn.Read(buf); err != nil {
					return
				}
				_, _ = io.WriteString(conn, a)
			}
		}
	}
	const noHello = "-ERR unknown command `hello`, with args beginning with: `2` `AUTH` `" + secret + "`\r\n"
	for _, tt := range []struct {
		name         string
		serve        func(net.Conn)
		reason, hint string
	}{
		{"hangs", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, redisinfo.ReasonTimeout, "TLS handshake if this is its TLS port"},
		{"hangs up", func(conn net.Conn) { _, _ = conn.Read(make([]byte, 10)) }, redisinfo.ReasonUnreachable, "it may be a TLS port"},
		{"hangs in the middle of a reply", func(conn net.Conn) {
			answer(noHello, "$100\r\n# Server\r\nredis_version:")(conn)
			_, _ = io.Copy(io.Discard, conn)
		}, redisinfo.ReasonTimeout, "in time"},
		{"hangs up in the middle of a reply", answer(noHello, "$100\r\n# Server\r\nredis_version:7.0"), redisinfo.ReasonUnreachable, "in the middle of an answer"},
		{"rubbish", answer("\x00\x01\x02 rubbish\r\n", ""), redisinfo.ReasonProtocol, "not the Redis protocol"},
		{"HTTP", answer("HTTP/1.1 400 Bad Request\r\n\r\n", ""), redisinfo.ReasonProtocol, "not the Redis protocol"},
		{"TLS alert", answer("\x15\x03\x01\x00\x02\x02\x46", ""), redisinfo.ReasonTLS, "speaks TLS"},
		{"no INFO reply", answer(noHello, "$5\r\nhello\r\n"), redisinfo.ReasonProtocol, "no INFO reply"},
		{"a number", answer(noHello, ":1\r\n"), redisinfo.ReasonProtocol, "INFO"},
		{"nil", answer(noHello, "$-1\r\n"), redisinfo.ReasonProtocol, "INFO"},
		{"an array", answer(noHello, "*1\r\n$1\r\na\r\n"), redisinfo.ReasonProtocol, "makes no sense"},
		{"a length that overflows", answer(noHello, "$9223372036854775807\r\n"), redisinfo.ReasonProtocol, "too large"},
		{"a length of terabytes", answer(noHello, "$9999999999999\r\n"), redisinfo.ReasonProtocol, "too large"},
		{"a HELLO of terabytes", answer("*9999999999999\r\n", ""), redisinfo.ReasonProtocol, "too large"},
		{"protected mode", answer("-DENIED Redis is running in protected mode\r\n", ""), redisinfo.ReasonAuth, "protected mode"},
		{"loading", answer(noHello, "-LOADING Redis is loading the dataset in memory\r\n"), redisinfo.ReasonBusy, "loading"},
		{"master down", answer(noHello, "-MASTERDOWN Link with MASTER is down\r\n"), redisinfo.ReasonBusy, "MASTERDOWN"},
		{"unknown error", answer(noHello, "-OOPS `"+secret+"`\r\n"), redisinfo.ReasonProtocol, "error OOPS"},
		{"no AUTH", answer(noHello, "-ERR unknown command `AUTH`, with args beginning with: `"+secret+"`\r\n"), redisinfo.ReasonProtocol, "does not know"},
		{"wrong password before 6.0", answer(noHello, "-ERR invalid password\r\n"), redisinfo.ReasonAuth, "wrong"},
		{"no password before 6.0", answer(noHello, "-ERR Client sent AUTH, but no password is set\r\n"), redisinfo.ReasonAuth, "has no password"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := redisinfo.Options{Network: "tcp", Addr: fake(t, tt.serve)}
			if strings.Contains(tt.name, "AUTH") || strings.Contains(tt.name, "password") {
				o.Password = func() (string, error) { return secret, nil }
			}
			c := redisinfo.NewClient(o)
			t.Cleanup(func() { _ = c.Close() })
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := c.Info(ctx)
			checkError(t, err, tt.reason, tt.hint)
		})
	}
}

// go-redis has one logger for the process; nothing may arrive there, whatever happens.
func TestClientIsQuiet(t *testing.T) {
	var log recorder
	redis.SetLogger(&log)
	free, err := redisrun.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{
		net.JoinHostPort("127.0.0.1", strconv.Itoa(free)),
		fake(t, func(net.Conn) {}),
		fake(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "rubbish\r\n") }),
	} {
		c := redisinfo.NewClient(redisinfo.Options{Network: "tcp", Addr: addr})
		for range 3 {
			if _, err := c.Info(t.Context()); err == nil {
				t.Error("no error")
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if lines := log.all(); len(lines) > 0 {
		t.Errorf("go-redis logged:\n%s", strings.Join(lines, "\n"))
	}
}

type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) Printf(_ context.Context, format string, v ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, v...))
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines
}

// fake serves each connection with serve, and then closes it.
func fake(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(t.Context(), func() { _ = conn.Close() })
			wg.Go(func() {
				defer stop()
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func client(t *testing.T, s *redisrun.Server, o redisinfo.Options) *redisinfo.Client {
	t.Helper()
	o.Network = s.Network()
	if o.Addr == "" {
		o.Addr = s.Addr()
	}
	c := redisinfo.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func info(t *testing.T, c *redisinfo.Client) redisinfo.Info {
	t.Helper()
	i, err := c.Info(t.Context())
	if err != nil {
		t.Fatalf("%v (%v)", err, errors.Unwrap(err))
	}
	return i
}

func wantError(t *testing.T, c *redisinfo.Client, reason, hint string) {
	t.Helper()
	_, err := c.Info(t.Context())
	checkError(t, err, reason, hint)
}

func checkError(t *testing.T, err error, reason, hint string) {
	t.Helper()
	var e *redisinfo.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want an *Error of reason %s", err, reason)
	}
	if e.Reason != reason || !strings.Contains(e.Error(), hint) {
		t.Errorf("reason %s, %q (%v); want reason %s, with %q", e.Reason, e.Error(), e.Err, reason, hint)
	}
	for err := error(e); err != nil; err = errors.Unwrap(err) {
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
			t.Errorf("the password is in %q", err)
		}
	}
}

func port(t *testing.T, s *redisrun.Server) int {
	t.Helper()
	a, err := netip.ParseAddrPort(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return int(a.Port())
}

func eventually(t *testing.T, ok func() bool, what string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
