// Package redistest gives tests a private redis-server. It is the part of
// redisrun that needs package testing, kept apart so that no program links it.
package redistest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
)

// Start returns a new server, made as o says, that is stopped when t ends; with
// -short it skips t. Without redis-server t fails and says how to install it. If t
// fails, the end of the server's log is shown.
func Start(t testing.TB, o redisrun.Options) *redisrun.Server {
	t.Helper()
	testutil.Real(t, "redis-server")
	// go-redis prints to stderr through one logger for the whole process; a
	// test that kills its server would fill the output with failed dials.
	redis.SetLogger(&logging.VoidLogger{})
	s, err := redisrun.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of redis-server at %s:\n%s", s.Addr(), s.Log())
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// OnlyPIDNamespace keeps other tests, of whatever package, from starting servers in
// PID namespaces of their own until t ends: each is process 1 there, and whoever may
// not look closer can't tell them apart.
func OnlyPIDNamespace(t testing.TB) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(os.TempDir(), "redis_fork_exporter_test_pid_namespace.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() }) // and with it the lock
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
}
