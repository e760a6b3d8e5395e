package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// scene is the servers that fork, for every reason and with every end that can be
// had without hurting the machine.
type scene struct {
	primary *redisrun.Server
	replica *redisrun.Server // nil without
	half    time.Duration    // of the life of a save's child
}

// newScene starts a server, and with replicated another that will be its replica.
// Only a server with save points refuses writes after a failed save: the former has
// some then.
func newScene(ctx context.Context, replicated bool) (_ *scene, err error) {
	s := &scene{half: 300 * time.Millisecond}
	if !replicated {
		s.primary, err = redisrun.Start(ctx, redisrun.Options{})
		return s, err
	}
	if s.primary, err = redisrun.Start(ctx, redisrun.Options{Args: []string{"--repl-diskless-sync-delay", "0", "--save", "3600 1"}}); err != nil {
		return nil, err
	}
	if s.replica, err = redisrun.Start(ctx, redisrun.Options{}); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *scene) stop() {
	for _, server := range s.servers() {
		_ = server.Stop()
	}
}

func (s *scene) servers() []*redisrun.Server {
	if s.replica == nil {
		return []*redisrun.Server{s.primary}
	}
	return []*redisrun.Server{s.primary, s.replica}
}

// targets returns the servers as the exporter is to know them.
func (s *scene) targets() []fleet.Target {
	names := []string{"demo"}
	if s.replica != nil {
		names = []string{"primary", "replica"}
	}
	var out []fleet.Target
	for i, server := range s.servers() {
		out = append(out, fleet.Target{Name: names[i], Network: server.Network(), Addr: server.Addr()})
	}
	return out
}

// event is one fork.
type event struct {
	what  string
	start func(context.Context) error
}

func (s *scene) events() []event {
	if s.replica == nil {
		return []event{
			{"BGSAVE", s.save},
			{"BGREWRITEAOF", s.rewrite(s.primary)},
			{"BGSAVE, and its child is killed half-way", s.kill},
		}
	}
	return []event{
		{"The primary saves", s.save},
		{"The replica asks for a full sync", s.sync},
		{"The replica rewrites its AOF", s.rewrite(s.replica)},
		{"The primary saves, and the child is killed half-way: the server refuses writes until a save goes well", s.kill},
		{"The replica rewrites its AOF, and is told to stop that", s.cancel},
	}
}

// run makes the forks, again and again or once, and has n tell each one.
func (s *scene) run(ctx context.Context, set *settings, n *narrator) error {
	if err := sleep(ctx, set.quiet); err != nil {
		return err
	}
	for {
		for _, e := range s.events() {
			began := time.Now()
			fmt.Fprintf(n.out, "%s > %s\n", began.Format(time.TimeOnly), e.what)
			if err := e.start(ctx); err != nil {
				return fmt.Errorf("%s: %w", e.what, err)
			}
			f, err := n.tell(ctx, began)
			if err != nil {
				return err
			}
			if life, ok := f.LifetimeSeconds.Get(); ok && f.Kind == fork.KindRDB && f.Outcome == fork.OutcomeOK {
				s.half = time.Duration(life / 2 * float64(time.Second))
			}
			if err := s.settle(ctx); err != nil {
				return err
			}
			if err := n.pause(ctx, set.pause); err != nil {
				return err
			}
		}
		if set.once {
			fmt.Fprintf(n.out, "That was it. Without --once the demo goes on, and %s stays up.\n", n.url)
			return nil
		}
	}
}

func (s *scene) save(ctx context.Context) error { return s.primary.Client().BgSave(ctx).Err() }

// sync makes the replica a stranger to its primary and a replica again. The primary
// can't offer it a part of its history then.
func (s *scene) sync(ctx context.Context) error {
	host, port, err := net.SplitHostPort(s.primary.Addr())
	if err != nil {
		return err
	}
	if err := s.replica.Client().ReplicaOf(ctx, "NO", "ONE").Err(); err != nil {
		return err
	}
	return s.replica.Client().ReplicaOf(ctx, host, port).Err()
}

func (s *scene) rewrite(server *redisrun.Server) func(context.Context) error {
	return func(ctx context.Context) error { return server.Client().BgRewriteAOF(ctx).Err() }
}

func (s *scene) kill(ctx context.Context) error {
	if err := s.save(ctx); err != nil {
		return err
	}
	if err := sleep(ctx, s.half); err != nil {
		return err
	}
	pid := strconv.Itoa(s.primary.PID())
	children, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil {
		return err
	}
	for child := range strings.FieldsSeq(string(children)) {
		if pid, err := strconv.Atoi(child); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended just now
		}
	}
	return nil
}

// cancel switches the replica's AOF on, which rewrites it, and off again, which
// ends that child.
func (s *scene) cancel(ctx context.Context) error {
	for _, on := range []string{"yes", "no"} {
		if err := s.replica.Client().ConfigSet(ctx, "appendonly", on).Err(); err != nil {
			return err
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// busy is what INFO says of a server that has a child, or that still gets its
// primary's data.
var busy = []string{"rdb_bgsave_in_progress:1", "aof_rewrite_in_progress:1", "loading:1", "master_link_status:down"}

// settle waits until no server is busy.
func (s *scene) settle(ctx context.Context) error {
	for _, server := range s.servers() {
		for {
			info, err := server.Client().Info(ctx).Result()
			if err == nil && !slices.ContainsFunc(busy, func(b string) bool { return strings.Contains(info, b) }) {
				break
			}
			if err := sleep(ctx, 200*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}
