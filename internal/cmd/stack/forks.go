package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// forks makes the two servers fork for every reason and with every end that can be
// had without hurting the machine.
type forks struct {
	primary, replica *redisrun.Server
	pause            time.Duration
}

func newForks(primary, replica *redisrun.Server, pause time.Duration) *forks {
	return &forks{primary, replica, pause}
}

func (f *forks) run(ctx context.Context) error {
	events := []struct {
		what string
		make func(context.Context) error
	}{
		{"The primary saves", f.save},
		{"The replica asks for a full sync", f.sync},
		{"The replica rewrites its AOF", f.rewrite},
		{"The primary saves, and the child is killed: the server refuses writes until a save goes well", f.kill},
		{"The replica rewrites its AOF, and is told to stop that", f.cancel},
	}
	for {
		for _, e := range events {
			if err := sleep(ctx, f.pause); err != nil {
				return err
			}
			fmt.Printf("%s  %s\n", time.Now().Format(time.TimeOnly), e.what)
			if err := e.make(ctx); err != nil {
				return fmt.Errorf("%s: %w", e.what, err)
			}
		}
	}
}

func (f *forks) save(ctx context.Context) error {
	if err := f.primary.Client().BgSave(ctx).Err(); err != nil {
		return err
	}
	return f.idle(ctx, f.primary)
}

// sync makes the replica a stranger to its primary and a replica again. The primary
// can't offer it a part of its history then.
func (f *forks) sync(ctx context.Context) error {
	host, port, err := net.SplitHostPort(f.primary.Addr())
	if err != nil {
		return err
	}
	if err := f.replica.Client().ReplicaOf(ctx, "NO", "ONE").Err(); err != nil {
		return err
	}
	if err := f.replica.Client().ReplicaOf(ctx, host, port).Err(); err != nil {
		return err
	}
	for {
		info, err := f.replica.Client().Info(ctx, "replication").Result()
		if err == nil && strings.Contains(info, "master_link_status:up") {
			return f.idle(ctx, f.primary)
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

func (f *forks) rewrite(ctx context.Context) error {
	if err := f.replica.Client().BgRewriteAOF(ctx).Err(); err != nil {
		return err
	}
	return f.idle(ctx, f.replica)
}

func (f *forks) kill(ctx context.Context) error {
	if err := f.primary.Client().BgSave(ctx).Err(); err != nil {
		return err
	}
	if err := sleep(ctx, 300*time.Millisecond); err != nil { // a small save does not take long
		return err
	}
	pid := strconv.Itoa(f.primary.PID())
	children, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil {
		return err
	}
	for child := range strings.FieldsSeq(string(children)) {
		if pid, err := strconv.Atoi(child); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended just now
		}
	}
	return f.idle(ctx, f.primary)
}

// cancel switches the replica's AOF on, which rewrites it, and off again, which
// ends that child.
func (f *forks) cancel(ctx context.Context) error {
	for _, on := range []string{"yes", "no"} {
		if err := f.replica.Client().ConfigSet(ctx, "appendonly", on).Err(); err != nil {
			return err
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return f.idle(ctx, f.replica)
}

// idle waits until no child of the server is alive.
func (f *forks) idle(ctx context.Context, s *redisrun.Server) error {
	for {
		info, err := s.Client().Info(ctx, "persistence").Result()
		if err == nil && strings.Contains(info, "rdb_bgsave_in_progress:0") && strings.Contains(info, "aof_rewrite_in_progress:0") {
			return nil
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}
