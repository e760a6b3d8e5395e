package redisinfo

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

// sent is what a server has counted of a command, other connections' included.
func sent(t *testing.T, s *redisrun.Server, command string) bool {
	t.Helper()
	stats, err := s.Client().Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(stats, "cmdstat_"+strings.ToLower(command)+":")
}

// A Client can't start a fork, whoever holds it.
func TestClientSendsQuestionsOnly(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{})
	c := NewClient(Options{Network: s.Network(), Addr: s.Addr()})
	defer c.Close()
	if _, err := c.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]any{
		{"BGSAVE"},
		{"bgsave"},
		{"BGREWRITEAOF"},
		{"SAVE"},
		{"SET", "k", "v"},
		{"EVAL", "return 1", "0"},
		{"DEBUG", "sleep", "0"},
		{"CONFIG", "SET", "save", ""},
		{"CONFIG", "RESETSTAT"},
		{"CONFIG"},
		{"LATENCY", "DOCTOR"},
		{"KEYS", "*"},
	} {
		if err := c.rdb.Do(t.Context(), args...).Err(); !notAllowed(err) {
			t.Errorf("%v: %v, want that it was not sent", args, err)
		}
		for name, pipe := range map[string]redis.Pipeliner{"pipeline": c.rdb.Pipeline(), "transaction": c.rdb.TxPipeline()} {
			pipe.Info(t.Context())
			pipe.Do(t.Context(), args...)
			if _, err := pipe.Exec(t.Context()); !notAllowed(err) {
				t.Errorf("%v in a %s: %v, want that it was not sent", args, name, err)
			}
		}
		name := strings.ToLower(args[0].(string))
		if name != "config" && sent(t, s, name) {
			t.Errorf("the server has seen %s", name)
		}
	}
}

func notAllowed(err error) bool {
	_, ok := errors.AsType[*notAllowedError](err)
	return ok
}

func TestStartFork(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{})
	o := Options{Network: s.Network(), Addr: s.Addr()}
	for _, command := range []ForkCommand{BGSave, BGRewriteAOF} {
		if err := StartFork(t.Context(), o, command); err != nil {
			t.Fatal(err)
		}
		awaitNoChild(t, s)
		if !sent(t, s, string(command)) {
			t.Errorf("the server has not seen %s", command)
		}
	}
	clients, err := s.Client().ClientList(t.Context()).Result()
	if err != nil || strings.Count(clients, "\n") != 1 {
		t.Errorf("clients are left, %v:\n%s", err, clients)
	}
}

func awaitNoChild(t *testing.T, s *redisrun.Server) {
	t.Helper()
	for {
		info, err := s.Client().Info(t.Context(), "persistence").Result()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(info, "rdb_bgsave_in_progress:0") && strings.Contains(info, "aof_rewrite_in_progress:0") {
			return
		}
	}
}

// What the server says no to comes back as a sentence.
func TestStartForkRefused(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{Args: []string{"--rdb-key-save-delay", "100000"}})
	if err := redisrun.Fill(t.Context(), s.Client(), 1000, 8); err != nil {
		t.Fatal(err)
	}
	o := Options{Network: s.Network(), Addr: s.Addr()}
	if err := StartFork(t.Context(), o, BGSave); err != nil {
		t.Fatal(err)
	}
	err := StartFork(t.Context(), o, BGSave)
	if err == nil || !strings.Contains(err.Error(), "a child is running already") {
		t.Errorf("a second save: %v", err)
	}
	if err := s.Client().Do(t.Context(), "ACL", "SETUSER", "asker", "on", "nopass", "+info").Err(); err != nil {
		t.Fatal(err)
	}
	o.Username, o.Password = "asker", func() (string, error) { return "x", nil }
	err = StartFork(t.Context(), o, BGSave)
	if err == nil || !strings.Contains(err.Error(), "ACL SETUSER asker +bgsave") {
		t.Errorf("a user who may not: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := StartFork(ctx, o, BGSave); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
