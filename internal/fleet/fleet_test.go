package fleet

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long the test waits for what should happen soon.
const patience = 30 * time.Second

// One server under two names: the first follows its process, the second says who
// does, and takes over when the first is gone. Each fork is one record.
func TestOneServerUnderTwoNames(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "redis.sock")
	server := redistest.Start(t, redisrun.Options{Args: []string{"--unixsocket", socket}})
	c := DefaultConfig()
	c.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.Targets = nil
	for _, s := range []string{"port=" + server.Addr(), "socket=" + socket} {
		target, err := ParseTarget(s)
		if err != nil {
			t.Fatal(err)
		}
		c.Targets = append(c.Targets, target)
	}
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	first, second := f.Servers[0], f.Servers[1]
	background(t, f.poller.Run)

	stopFirst := background(t, first.watcher.Run)
	await(t, first.History, "has the process", followed)
	background(t, second.watcher.Run)
	await(t, second.History, "says who has the process", func(st *track.State) bool {
		return st.Up && !st.Available[fork.SourceProcess] && st.ProcessProblem == words.Taken(server.PID(), "port")
	})
	save(t, server, f)
	if st := first.History.State(); !followed(&st) {
		t.Errorf("the first has lost the process: %q", st.ProcessProblem)
	}

	stopFirst()
	await(t, second.History, "has the process", followed)
	save(t, server, f)
	var by []string
	for _, r := range f.Store.Forks() {
		by = append(by, r.Server)
	}
	if len(by) != 2 || by[0] != "socket" || by[1] != "port" {
		t.Errorf("records of %q, want one of each name, the newest of the second", by)
	}
}

func followed(st *track.State) bool {
	return st.Available[fork.SourceProcess] && st.PID.Present() && st.ProcessProblem == ""
}

// background runs what ends with its context, at the latest with the test.
func background(t *testing.T, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// await waits until the state of s is as ok wants it.
func await(t *testing.T, s *history.Server, what string, ok func(*track.State) bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		st := s.State()
		if ok(&st) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s %s: process %v, problems %q, %q", st.Name, what, st.PID, st.Problem, st.ProcessProblem)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// save makes the server save, and waits for the closed record.
func save(t *testing.T, server *redisrun.Server, f *Fleet) {
	t.Helper()
	known := len(f.Store.Forks())
	if err := server.Client().BgSave(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if forks := f.Store.Forks(); len(forks) > known && !forks[0].Running() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for the record of a save")
		}
	}
}
