package redisrun_test

import (
	"context"
	"errors"
	"math"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

// parentEnv makes the test binary play a parent that is killed; see
// TestServerDiesWithItsParent.
const parentEnv = "REDISRUN_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parentEnv) != "" {
		s, err := redisrun.Start(context.Background(), redisrun.Options{})
		if err != nil {
			os.Exit(1)
		}
		_, _ = os.Stdout.WriteString(strconv.Itoa(s.PID()) + " " + s.Dir() + "\n")
		select {}
	}
	goleak.VerifyTestMain(m)
}

func TestStartAndStop(t *testing.T) {
	for _, unix := range []bool{false, true} {
		s := redistest.Start(t, redisrun.Options{Unix: unix, Password: "secret"})
		got, err := s.Client().ConfigGet(t.Context(), "save").Result()
		if err != nil || got["save"] != "" {
			t.Errorf("CONFIG GET save: %q, %v; want no save points", got["save"], err)
		}
		if !alive(s.PID()) {
			t.Errorf("pid %d is not there", s.PID())
		}
		for range 2 {
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
		}
		if alive(s.PID()) {
			t.Errorf("pid %d is still there after Stop", s.PID())
		}
		if _, err := os.Stat(s.Dir()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("directory after Stop: %v, want it gone", err)
		}
	}
}

func TestStopTakesTheChildAlong(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{Args: []string{"--rdb-key-save-delay", "100000"}})
	child := startSave(t, s)
	s.Kill()
	if alive(s.PID()) || alive(child) {
		t.Errorf("after Kill: server there: %v, child there: %v", alive(s.PID()), alive(child))
	}
}

func TestStopOfAStoppedProcess(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{})
	if err := syscall.Kill(s.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if alive(s.PID()) {
		t.Error("still there")
	}
}

func TestRestartWithSameDirAndPort(t *testing.T) {
	dir := t.TempDir()
	first := redistest.Start(t, redisrun.Options{Dir: dir})
	if err := first.Client().Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := first.Client().Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	first.Kill()
	_, p, err := net.SplitHostPort(first.Addr())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(p)
	if err != nil {
		t.Fatal(err)
	}
	second := redistest.Start(t, redisrun.Options{Dir: dir, Port: port})
	if second.Addr() != first.Addr() {
		t.Errorf("address %s, want %s", second.Addr(), first.Addr())
	}
	if got, err := second.Client().Get(t.Context(), "k").Result(); got != "v" || err != nil {
		t.Errorf("key after restart: %q, %v", got, err)
	}
}

func TestPortTaken(t *testing.T) {
	testutil.Real(t, "redis-server")
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := redisrun.Start(t.Context(), redisrun.Options{Port: l.Addr().(*net.TCPAddr).Port})
	if err == nil {
		_ = s.Stop()
		t.Fatal("started on a port that is taken")
	}
	if !strings.Contains(err.Error(), "took the port") {
		t.Errorf("error %q does not say that the port is taken", err)
	}
}

func TestBadArgumentShowsTheServersWords(t *testing.T) {
	testutil.Real(t, "redis-server")
	_, err := redisrun.Start(t.Context(), redisrun.Options{Args: []string{"--no-such-option", "1"}})
	if err == nil || !strings.Contains(err.Error(), "no-such-option") {
		t.Errorf("error %v, want the server's complaint", err)
	}
}

func TestNoServerSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := redisrun.Start(t.Context(), redisrun.Options{})
	if !errors.Is(err, redisrun.ErrNoServer) || !strings.Contains(err.Error(), "apt-get install -y redis-server") {
		t.Errorf("error %v", err)
	}
}

func TestWrapper(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Fatal(err)
	}
	// A shell that stays, with the server as its child.
	s := redistest.Start(t, redisrun.Options{Wrapper: []string{"sh", "-c", `"$@"; exit`, "sh"}})
	comm, err := os.ReadFile("/proc/" + strconv.Itoa(s.PID()) + "/comm")
	if err != nil || strings.TrimSpace(string(comm)) != "redis-server" {
		t.Errorf("comm of PID() is %q, %v", comm, err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return !alive(s.PID()) }, "the wrapped server outlived Stop")
}

func TestServerDiesWithItsParent(t *testing.T) {
	testutil.Real(t, "redis-server")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := out.Read(buf)
	killErr := cmd.Process.Kill()
	_ = cmd.Wait() // killed
	if err != nil || killErr != nil {
		t.Fatal(err, killErr)
	}
	pidText, dir, _ := strings.Cut(strings.TrimSpace(string(buf[:n])), " ")
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	pid, err := strconv.Atoi(pidText)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return !alive(pid) }, "redis-server outlived the process that started it")
}

func TestFillAndLoad(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{Unix: true})
	const keys = 2500
	if err := redisrun.Fill(t.Context(), s.Client(), keys, 100); err != nil {
		t.Fatal(err)
	}
	before := s.Client().Get(t.Context(), redisrun.Key(keys-1)).Val()
	if n := s.Client().DBSize(t.Context()).Val(); n != keys || len(before) != 100 {
		t.Fatalf("%d keys, last value of %d bytes; want %d and 100", n, len(before), keys)
	}
	load := redisrun.StartLoad(t.Context(), s.Client(), redisrun.LoadOptions{Rate: 20_000, Keys: 1, ValueSize: 50})
	eventually(t, func() bool { return load.Writes() > 1000 }, "no writes")
	for range 2 {
		if err := load.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Client().StrLen(t.Context(), redisrun.Key(0)).Val(); n != 50 {
		t.Errorf("key 0 has %d bytes, want the load's 50", n)
	}
	if n := s.Client().DBSize(t.Context()).Val(); n != keys {
		t.Errorf("%d keys after the load, want %d", n, keys)
	}
}

func TestMixes(t *testing.T) {
	const keys, size = 2000, 100
	for name, c := range map[string]struct {
		load  redisrun.LoadOptions
		calls map[string]int // commands that are seen, and their share of all writes in percent
		check func(t *testing.T, s *redisrun.Server)
	}{
		"overwrite": {
			calls: map[string]int{"set": 100},
			check: func(t *testing.T, s *redisrun.Server) {
				expectKeys(t, s, keys, keys)
				expectSizes(t, s, size, size)
			},
		},
		"varying size": {
			load:  redisrun.LoadOptions{MinValueSize: 20},
			calls: map[string]int{"set": 100},
			check: func(t *testing.T, s *redisrun.Server) {
				expectKeys(t, s, keys, keys)
				if least, most := expectSizes(t, s, 20, size); least == most {
					t.Errorf("all values have %d bytes", least)
				}
			},
		},
		"insert": {
			load:  redisrun.LoadOptions{Mix: redisrun.Mix{Insert: 1}},
			calls: map[string]int{"set": 100},
			check: func(t *testing.T, s *redisrun.Server) { expectKeys(t, s, 2*keys, 1<<30) },
		},
		"delete": {
			load:  redisrun.LoadOptions{Mix: redisrun.Mix{Delete: 1}},
			calls: map[string]int{"del": 100},
			check: func(t *testing.T, s *redisrun.Server) { expectKeys(t, s, 0, 0) }, // each once, so none is left
		},
		"unlink": {
			load:  redisrun.LoadOptions{Mix: redisrun.Mix{Unlink: 1}},
			calls: map[string]int{"unlink": 100},
			check: func(t *testing.T, s *redisrun.Server) { expectKeys(t, s, 0, 0) },
		},
		"patch": {
			load:  redisrun.LoadOptions{Mix: redisrun.Mix{Patch: 1}},
			calls: map[string]int{"setrange": 100},
			check: func(t *testing.T, s *redisrun.Server) {
				expectKeys(t, s, keys, keys)
				expectSizes(t, s, size, size)
			},
		},
		"mix": {
			load:  redisrun.LoadOptions{Mix: redisrun.Mix{Overwrite: 50, Insert: 30, Delete: 10, Patch: 10}},
			calls: map[string]int{"set": 80, "del": 10, "setrange": 10},
			check: func(*testing.T, *redisrun.Server) {},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t, redisrun.Options{Unix: true})
			if err := redisrun.Fill(t.Context(), s.Client(), keys, size); err != nil {
				t.Fatal(err)
			}
			if err := s.Client().ConfigResetStat(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			c.load.Rate, c.load.Keys, c.load.ValueSize = 100_000, keys, size
			load := redisrun.StartLoad(t.Context(), s.Client(), c.load)
			eventually(t, func() bool { return load.Writes() > 3*keys }, "no writes")
			if err := load.Stop(); err != nil {
				t.Fatal(err)
			}
			expectCalls(t, s, c.calls)
			c.check(t, s)
		})
	}
}

func expectKeys(t *testing.T, s *redisrun.Server, least, most int64) {
	t.Helper()
	if n := s.Client().DBSize(t.Context()).Val(); n < least || n > most {
		t.Errorf("%d keys after the load, want %d to %d", n, least, most)
	}
}

// expectSizes looks at some values that Fill wrote, and returns the smallest
// and the largest size it saw.
func expectSizes(t *testing.T, s *redisrun.Server, least, most int64) (smallest, largest int64) {
	t.Helper()
	smallest = 1 << 30
	for i := range 100 {
		n := s.Client().StrLen(t.Context(), redisrun.Key(i)).Val()
		if n < least || n > most {
			t.Errorf("a value has %d bytes, want %d to %d", n, least, most)
		}
		smallest, largest = min(smallest, n), max(largest, n)
	}
	return smallest, largest
}

// expectCalls compares what the server counted of write commands with their
// shares in percent, within 2.5: five times the spread of 6,000 writes.
func expectCalls(t *testing.T, s *redisrun.Server, want map[string]int) {
	t.Helper()
	info, err := s.Client().Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	calls, sum := map[string]float64{}, 0.0
	for line := range strings.Lines(info) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		if !ok || strings.HasPrefix(name, "config") || name == "info" {
			continue
		}
		text, _, _ := strings.Cut(rest, ",")
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		calls[name] = n
		sum += n
	}
	for name, n := range calls {
		if share := 100 * n / sum; math.Abs(share-float64(want[name])) > 2.5 {
			t.Errorf("%.1f %% of the writes are %s, want %d %%", share, name, want[name])
		}
	}
	for name := range want {
		if calls[name] == 0 {
			t.Errorf("no %s", name)
		}
	}
}

func TestLoadReportsErrorsAndGoesOn(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{Unix: true})
	load := redisrun.StartLoad(t.Context(), s.Client(), redisrun.LoadOptions{Rate: 5000, Keys: 10, ValueSize: 5})
	eventually(t, func() bool { return load.Writes() > 0 }, "no writes")
	if err := s.Client().ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return load.Err() != nil }, "no error with maxmemory 1")
	stuck := load.Writes()
	if err := s.Client().ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return load.Writes() > stuck+100 }, "writes did not go on")
	if err := load.Stop(); err == nil {
		t.Error("no error reported")
	}
}

// startSave starts a slow BGSAVE and returns its child's pid.
func startSave(t *testing.T, s *redisrun.Server) int {
	t.Helper()
	if err := redisrun.Fill(t.Context(), s.Client(), 1000, 10); err != nil {
		t.Fatal(err)
	}
	if err := s.Client().BgSave(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	p := strconv.Itoa(s.PID())
	var child int
	eventually(t, func() bool {
		b, _ := os.ReadFile("/proc/" + p + "/task/" + p + "/children")
		child, _ = strconv.Atoi(strings.TrimSpace(string(b)))
		return child != 0
	}, "no child")
	return child
}

// alive tells whether pid runs; a zombie does not.
func alive(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func eventually(t *testing.T, ok func() bool, what string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
