package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

// person is somebody who sits at a terminal of 80 columns.
type person struct {
	*testing.T
	cmd  *exec.Cmd
	tty  *os.File
	done chan struct{} // closed when the terminal has said its last

	mu   sync.Mutex
	seen strings.Builder
}

// sits starts the program at a terminal.
func sits(t *testing.T, args ...string) *person {
	t.Helper()
	return starts(t, append([]string{program}, args...)...)
}

func starts(t *testing.T, command ...string) *person {
	t.Helper()
	p := &person{T: t, cmd: exec.CommandContext(t.Context(), command[0], command[1:]...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=")
	tty, err := pty.StartWithSize(p.cmd, &pty.Winsize{Cols: 80, Rows: 50})
	if err != nil {
		t.Fatal(err)
	}
	p.tty = tty
	t.Cleanup(func() { tty.Close() })
	go func() {
		defer close(p.done)
		buf := make([]byte, 4096)
		for {
			n, err := tty.Read(buf)
			p.mu.Lock()
			p.seen.Write(buf[:n])
			p.mu.Unlock()
			if err != nil { // EIO when the program has ended
				return
			}
		}
	}()
	return p
}

func (p *person) screen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

// sees waits for something.
func (p *person) sees(what string) {
	p.Helper()
	pattern := regexp.MustCompile(what)
	for deadline := time.Now().Add(60 * time.Second); !pattern.MatchString(p.screen()); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.Fatalf("waited for %q in vain; the terminal shows\n%q", what, p.screen())
		}
	}
}

func (p *person) types(keys string) {
	p.Helper()
	if _, err := p.tty.WriteString(keys); err != nil {
		p.Fatal(err)
	}
}

// leaves waits for the program's end and returns its exit status.
func (p *person) leaves() int {
	p.Helper()
	err := p.cmd.Wait()
	<-p.done
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode()
	}
	if err != nil {
		p.Fatal(err)
	}
	return 0
}

const ctrlC = "\x03"

// underLoad is a server whose saves take some seconds and leave a long tail.
func underLoad(t *testing.T) *redisrun.Server {
	t.Helper()
	s := redistest.Start(t, redisrun.Options{Args: []string{"--rdb-key-save-delay", "100"}})
	const keys, size = 12_000, 1000
	if err := redisrun.Fill(t.Context(), s.Client(), keys, size); err != nil {
		t.Fatal(err)
	}
	// The load and the test share these two, so that a new one is the program's.
	own := []*redis.Conn{s.Client().Conn(), s.Client().Conn()}
	for _, c := range own {
		if err := c.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range own {
		if err := c.Close(); err != nil { // gives it back to the pool
			t.Fatal(err)
		}
	}
	load := redisrun.StartLoad(t.Context(), s.Client(), redisrun.LoadOptions{Rate: 100, Keys: keys, ValueSize: size})
	t.Cleanup(func() {
		if err := load.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A whole session: the forecast, a yes, the line that changes, a Ctrl-C in the
// tail, the report.
func TestMeasureAtATerminal(t *testing.T) {
	s := underLoad(t)
	before := holds(t, s)
	p := sits(t, "measure", "--server="+s.Addr(), "--trigger=bgsave")
	p.sees(`The next RDB save of ` + s.Addr())
	p.sees(`Send BGSAVE now\? \[y/N\] `)
	p.types("y\n")
	p.sees(`\rRDB save  [█░]{10,} +\d+ %   \d+(\.\d+)? m?s +private dirty [\d.]+ [kM]B`)
	p.sees(`\rEnded: ok after [\d.]+ s\. Tail \d+ s of at most 60 s   Ctrl-C: report now`)
	p.types(ctrlC)
	if status := p.leaves(); status != 0 {
		t.Errorf("status %d", status)
	}
	_, report, ok := strings.Cut(p.screen(), "RDB save of "+s.Addr())
	for _, want := range []string{": ok after", "└┬", "private dirty   ", "going on", "the report did not wait for its end", "keys were changed", "\x1b[36m"} {
		if !ok || !strings.Contains(report, want) {
			t.Errorf("%q is not in the report:\n%s", want, report)
		}
	}
	p.leftNothing(s, before)
}

func TestNoAtATerminal(t *testing.T) {
	s := underLoad(t)
	before := holds(t, s)
	p := sits(t, "measure", "--server="+s.Addr(), "--trigger=bgsave")
	p.sees(`\[y/N\] `)
	if len(holds(t, s).since(before)) == 0 {
		t.Error("the program's own connection is not among the server's")
	}
	p.types("n\n")
	if status := p.leaves(); status != 3 {
		t.Errorf("status %d, want 3", status)
	}
	if !strings.Contains(p.screen(), "that was no yes; nothing was started") {
		t.Errorf("the terminal shows\n%s", p.screen())
	}
	stats, err := s.Client().Info(t.Context(), "commandstats").Result()
	if err != nil || strings.Contains(stats, "cmdstat_bgsave") {
		t.Errorf("%v, a save was started:\n%s", err, stats)
	}
	p.leftNothing(s, before)
}

// Ctrl-C while the child lives: the save goes on without us.
func TestCtrlCAtATerminal(t *testing.T) {
	s := underLoad(t)
	before := holds(t, s)
	p := sits(t, "measure", "--server="+s.Addr(), "--trigger=bgsave", "--yes")
	p.sees(`\rRDB save  [█░]`)
	p.types(ctrlC)
	if status := p.leaves(); status != 3 {
		t.Errorf("status %d, want 3", status)
	}
	if text := strings.Join(strings.Fields(p.screen()), " "); !strings.Contains(text, "the RDB save goes on on the server, and nothing was changed there") {
		t.Errorf("the terminal shows\n%s", p.screen())
	}
	info, err := s.Client().Info(t.Context(), "persistence").Result()
	if err != nil || !strings.Contains(info, "rdb_bgsave_in_progress:1") {
		t.Errorf("%v, the save does not go on:\n%s", err, info)
	}
	p.leftNothing(s, before)
}

// Who closes the terminal leaves no file behind.
func TestTerminalIsClosed(t *testing.T) {
	// What is caught here is not ignored in the program, even if this runs under nohup.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	s, dir := underLoad(t), t.TempDir()
	p := sits(t, "measure", "--server="+s.Addr(), "--output="+filepath.Join(dir, "fork.json"))
	p.sees(`Waiting for the next fork`)
	if files := names(t, dir); len(files) != 1 {
		t.Errorf("while it measures there are %q", files)
	}
	p.tty.Close()
	if status := p.leaves(); status != 3 {
		t.Errorf("status %d, want 3", status)
	}
	if files := names(t, dir); len(files) > 0 {
		t.Errorf("left are %q", files)
	}
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

// Under nohup it measures on.
func TestNohup(t *testing.T) {
	s := underLoad(t)
	p := starts(t, "sh", "-c", `trap "" HUP; exec "$@"`, "sh", program, "measure", "--server="+s.Addr())
	p.sees(`Waiting for the next fork`)
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := s.Client().BgSave(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	p.sees(`\rRDB save  [█░]`)
	p.types(ctrlC)
	if status := p.leaves(); status != 3 {
		t.Errorf("status %d, want 3", status)
	}
}

// held is what a server has that a command might leave something in.
type held struct {
	clients  []string // their ids
	settings map[string]string
}

func holds(t *testing.T, s *redisrun.Server) (h held) {
	t.Helper()
	clients, err := s.Client().ClientList(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(clients) {
		id, _, _ := strings.Cut(line, " ")
		h.clients = append(h.clients, id)
	}
	if h.settings, err = s.Client().ConfigGet(t.Context(), "*").Result(); err != nil || len(h.settings) == 0 {
		t.Fatalf("%v, %d settings", err, len(h.settings))
	}
	return h
}

// since are the connections that were not there before.
func (h held) since(before held) []string {
	return slices.DeleteFunc(slices.Clone(h.clients), func(id string) bool { return slices.Contains(before.clients, id) })
}

// leftNothing checks that a server has no connections but those of before, and that
// no setting was changed.
func (p *person) leftNothing(s *redisrun.Server, before held) {
	p.Helper()
	now := holds(p.T, s)
	for deadline := time.Now().Add(10 * time.Second); len(now.since(before)) > 0; now = holds(p.T, s) {
		if time.Now().After(deadline) {
			p.Errorf("connections are left: %q", now.since(before))
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if diff := cmp.Diff(before.settings, now.settings); diff != "" {
		p.Errorf("settings were changed (-before +after):\n%s", diff)
	}
}
