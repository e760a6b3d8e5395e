package proc

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/play"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

// target is a server to be found, and finding what came of it.
type target struct {
	Network, Addr string
	Port          int // instead of INFO's; 0 is INFO's
}

type finding struct {
	PID    int
	Reason string // of a NotFound, or another error's text
}

// find asks a server over a connection of its own who it is, and finds that.
func find(s target) finding {
	c := redisinfo.NewClient(redisinfo.Options{Network: s.Network, Addr: s.Addr})
	defer c.Close()
	info, err := c.Info(context.Background())
	if err != nil {
		return finding{Reason: err.Error()}
	}
	peer, ok := c.Peer()
	if !ok {
		return finding{Reason: "no connection"}
	}
	q := Query{
		Local: peer.Local, Remote: peer.Remote, Listener: peer.PID,
		ProcessID: info.ProcessID.Or(0), TCPPort: info.TCPPort.Or(0), Executable: info.Executable,
	}
	if s.Port != 0 {
		q.TCPPort = s.Port
	}
	if up, ok := info.UptimeSeconds.Get(); ok {
		q.Uptime = opt.Of(time.Duration(up) * time.Second)
	}
	fs, err := NewFS("/proc")
	if err != nil {
		return finding{Reason: err.Error()}
	}
	pid, err := fs.FindServer(q)
	return finding{pid, reason(err)}
}

// findTheServer finds the server that arg describes.
func findTheServer(arg string) int {
	var s target
	if err := json.Unmarshal([]byte(arg), &s); err != nil {
		return 1
	}
	play.Say(find(s))
	return 0
}

// findAs finds a server as another user.
func findAs(t *testing.T, uid int, s target) (f finding) {
	t.Helper()
	arg, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	h := play.Start(t, "server", string(arg), uid)
	h.Hear(&f)
	return f
}

// publicDir is a directory that other users can enter and use.
func publicDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func as(uid int) []string {
	id := strconv.Itoa(uid)
	return []string{"setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups", "--"}
}

func TestFindRealServer(t *testing.T) {
	const other = 65533
	unixArgs := []string{"--unixsocketperm", "777"}
	tests := map[string]struct {
		root    bool // needed
		options redisrun.Options
	}{
		"TCP":                {false, redisrun.Options{}},
		"unix":               {false, redisrun.Options{Unix: true, Args: unixArgs}},
		"IPv6":               {false, redisrun.Options{Args: []string{"--bind", "127.0.0.1", "::1"}}},
		"TCP, another's":     {true, redisrun.Options{Wrapper: as(other)}},
		"TCP, play.Nobody's": {true, redisrun.Options{Wrapper: as(play.Nobody)}},
		"unix, another's":    {true, redisrun.Options{Unix: true, Args: unixArgs, Wrapper: as(other)}},
		"TCP, own pid ns":    {true, redisrun.Options{Wrapper: []string{"unshare", "--pid", "--fork"}}},
		"unix, own pid ns":   {true, redisrun.Options{Unix: true, Args: unixArgs, Wrapper: []string{"unshare", "--pid", "--fork"}}},
		"unix, own net ns":   {true, redisrun.Options{Unix: true, Args: unixArgs, Wrapper: []string{"unshare", "--net"}}},
		"unix, own both, ns": {true, redisrun.Options{Unix: true, Args: unixArgs, Wrapper: []string{"unshare", "--net", "--pid", "--fork"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.root {
				testutil.Root(t)
				redistest.OnlyPIDNamespace(t)
			}
			test.options.Dir = publicDir(t)
			s := redistest.Start(t, test.options)
			// unshare --fork does not pass signals on, and waits for its child.
			t.Cleanup(func() { _ = syscall.Kill(s.PID(), syscall.SIGTERM) })
			at := target{Network: s.Network(), Addr: s.Addr()}
			if name == "IPv6" {
				_, port, err := net.SplitHostPort(s.Addr())
				if err != nil {
					t.Fatal(err)
				}
				at.Addr = net.JoinHostPort("::1", port)
			}
			want := finding{PID: s.PID()}
			if got := find(at); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			if os.Getuid() != 0 {
				return
			}
			if got := findAs(t, play.Nobody, at); got != want {
				t.Errorf("as play.Nobody: %+v, want %+v", got, want)
			}
		})
	}
}

// Several servers of the same pid in namespaces of their own are told apart.
func TestFindAmongContainers(t *testing.T) {
	testutil.Root(t)
	redistest.OnlyPIDNamespace(t)
	var servers []*redisrun.Server
	for range 3 {
		s := redistest.Start(t, redisrun.Options{Wrapper: []string{"unshare", "--pid", "--fork"}})
		t.Cleanup(func() { _ = syscall.Kill(s.PID(), syscall.SIGTERM) })
		servers = append(servers, s)
	}
	for _, s := range servers {
		at, want := target{Network: "tcp", Addr: s.Addr()}, finding{PID: s.PID()}
		if got := find(at); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		// One network namespace, one user, one age: only descriptors could tell.
		if got, want := findAs(t, play.Nobody, at), (finding{Reason: NotFoundAmbiguous}); got != want {
			t.Errorf("as play.Nobody: %+v, want %+v", got, want)
		}
	}
}

// proxyTo passes connections on, as a process that is not the server.
func proxyTo(t *testing.T, network, addr string) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial(network, addr)
			if err != nil {
				_ = client.Close()
				continue
			}
			for _, ends := range [][2]net.Conn{{client, server}, {server, client}} {
				running.Go(func() {
					_, _ = io.Copy(ends[0], ends[1])
					_ = ends[0].Close()
					_ = ends[1].Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	return l.Addr().(*net.TCPAddr)
}

func TestFindThroughProxy(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{})
	proxy := proxyTo(t, "tcp", s.Addr())
	at := target{Network: "tcp", Addr: proxy.String()}
	if got, want := find(at), (finding{PID: s.PID()}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	at.Port = proxy.Port // the proxy listens there, the server doesn't
	if got, want := find(at), (finding{Reason: NotFoundUnproved}); got != want {
		t.Errorf("with the proxy's port: %+v, want %+v", got, want)
	}

	onUnix := redistest.Start(t, redisrun.Options{Unix: true})
	at = target{Network: "tcp", Addr: proxyTo(t, "unix", onUnix.Addr()).String()}
	if got, want := find(at), (finding{Reason: NotFoundUnproved}); got != want {
		t.Errorf("a server that listens on no port: %+v, want %+v", got, want)
	}
}

func TestFindThroughAnothersProxy(t *testing.T) {
	testutil.Root(t)
	s := redistest.Start(t, redisrun.Options{Dir: publicDir(t), Wrapper: as(65533)})
	at := target{Network: "tcp", Addr: proxyTo(t, "tcp", s.Addr()).String()}
	if got, want := findAs(t, play.Nobody, at), (finding{Reason: NotFoundUnproved}); got != want {
		t.Errorf("the connection's end is root's, the server is not: %+v, want %+v", got, want)
	}
}
