package rig

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// Server is a private server, in a memory cgroup of its own or not.
type Server struct {
	*redisrun.Server
	Group *Cgroup // nil: none
	fs    proc.FS
}

// StartServer starts a server as o says, in group unless that is nil. Close removes
// the group as well.
func StartServer(ctx context.Context, fs proc.FS, group *Cgroup, o redisrun.Options) (*Server, error) {
	s := &Server{Group: group, fs: fs}
	if group != nil {
		o.Wrapper = group.Wrapper()
	}
	var err error
	if s.Server, err = redisrun.Start(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close ends the server, by force: its data is nobody's, and large.
func (s *Server) Close() (err error) {
	if s.Server != nil {
		s.Kill()
		err = s.Stop()
	}
	if s.Group != nil {
		err = errors.Join(err, s.Group.Remove())
	}
	return err
}

// Child returns the server's child, which it must have.
func (s *Server) Child() (*proc.Process, error) {
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.PID()))
	if err != nil {
		return nil, fmt.Errorf("children of the server: %w", err)
	}
	pids, err := proc.ParseChildren(nil, list)
	if err != nil {
		return nil, err
	}
	if len(pids) != 1 {
		return nil, fmt.Errorf("the server has %d children, not one: is there enough data for a save to last?", len(pids))
	}
	return s.fs.Open(pids[0])
}

// Save starts a save and returns its child.
func (s *Server) Save(ctx context.Context) (*proc.Process, error) {
	if err := s.Client().BgSave(ctx).Err(); err != nil {
		return nil, fmt.Errorf("BGSAVE: %w", err)
	}
	return s.Child()
}

// Exited reports whether p has ended.
func Exited(p *proc.Process) bool {
	select {
	case <-p.Exited():
		return true
	default:
		return false
	}
}
