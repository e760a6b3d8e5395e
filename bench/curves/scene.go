package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// scene is a server with data.
type scene struct {
	*rig.Server
	keys int
}

// sceneOptions say how to set a scene.
type sceneOptions struct {
	workload  workload
	bytes     int // of data
	save      time.Duration
	cgroup    bool // the server has a memory cgroup for itself
	hugePages bool // the server may have huge pages; the machine must allow them too
}

// setScene starts a server and fills it as o says. The caller has to close it.
func setScene(ctx context.Context, fs proc.FS, o sceneOptions) (s *scene, err error) {
	s = &scene{keys: o.workload.keys(o.bytes)}
	args := []string{"--rdbcompression", "no", "--rdb-key-save-delay", strconv.Itoa(saveDelay(o.save, s.keys, measureNap()))}
	if o.hugePages {
		args = append(args, "--disable-thp", "no")
	}
	var group *rig.Cgroup
	if o.cgroup {
		if group, err = rig.NewCgroup("curves"); err != nil {
			return nil, err
		}
	}
	if s.Server, err = rig.StartServer(ctx, fs, group, redisrun.Options{Unix: true, Args: args}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err = redisrun.Fill(ctx, s.Client(), s.keys, o.workload.valueSize); err != nil {
		return nil, err
	}
	// What the allocator keeps of the filling, it would give back half-way through a save.
	if err = s.Client().Do(ctx, "MEMORY", "PURGE").Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// patience is how long something may take that ought to happen at once.
const (
	patience  = 20 * time.Second
	lookEvery = 50 * time.Millisecond
)

func (s *scene) startLoad(ctx context.Context, w workload, rate int) *redisrun.Load {
	return redisrun.StartLoad(ctx, s.Client(), w.load(s.keys, rate))
}
