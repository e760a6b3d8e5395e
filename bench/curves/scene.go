package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// scene is a server with data.
type scene struct {
	*redisrun.Server
	fs     proc.FS
	keys   int
	cgroup *rig.Cgroup // of the server's own; nil: none
}

// sceneOptions say how to set a scene.
type sceneOptions struct {
	workload  workload
	bytes     int // of data
	save      time.Duration
	cgroup    bool // the server has a memory cgroup for itself
	hugePages bool // the server may have huge pages; the machine must allow them too
}

func setScene(ctx context.Context, fs proc.FS, o sceneOptions) (_ *scene, err error) {
	s := &scene{fs: fs, keys: o.workload.keys(o.bytes)}
	args := []string{"--rdbcompression", "no", "--rdb-key-save-delay", strconv.Itoa(saveDelay(o.save, s.keys, measureNap()))}
	if o.hugePages {
		args = append(args, "--disable-thp", "no")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	options := redisrun.Options{Unix: true, Args: args}
	if o.cgroup {
		if s.cgroup, err = rig.NewCgroup("curves"); err != nil {
			return nil, err
		}
		options.Wrapper = s.cgroup.Wrapper()
	}
	if s.Server, err = redisrun.Start(ctx, options); err != nil {
		return nil, err
	}
	if err = redisrun.Fill(ctx, s.Client(), s.keys, o.workload.valueSize); err != nil {
		return nil, err
	}
	// What the allocator keeps of the filling, it would give back half-way through a save.
	if err = s.Client().Do(ctx, "MEMORY", "PURGE").Err(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *scene) close() (err error) {
	if s.Server != nil {
		err = s.Stop()
	}
	if s.cgroup != nil {
		err = errors.Join(err, s.cgroup.Remove())
	}
	return err
}

// patience is how long something may take that ought to happen at once.
const (
	patience  = 20 * time.Second
	lookEvery = 50 * time.Millisecond
)

// fork starts a save and returns its child as soon as it is there.
func (s *scene) fork(ctx context.Context) (*proc.Process, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	saved := make(chan error, 1)
	go func() { saved <- s.Client().BgSave(ctx).Err() }()
	child, err := s.awaitChild(ctx)
	if err := errors.Join(err, <-saved); err != nil {
		if child != nil {
			_ = child.Close()
		}
		return nil, fmt.Errorf("BGSAVE: %w", err)
	}
	return child, nil
}

// awaitChild looks for a child until ctx ends.
func (s *scene) awaitChild(ctx context.Context) (*proc.Process, error) {
	for {
		pids, err := rig.Children(s.PID())
		if err != nil {
			return nil, err
		}
		if len(pids) > 0 {
			return s.fs.Open(pids[0])
		}
		if err := rig.Sleep(ctx, time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func (s *scene) startLoad(ctx context.Context, w workload, rate int) *redisrun.Load {
	return redisrun.StartLoad(ctx, s.Client(), w.load(s.keys, rate))
}
