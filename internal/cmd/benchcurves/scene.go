package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// scene is a server with data.
type scene struct {
	*redisrun.Server
	fs     proc.FS
	keys   int
	cgroup *cgroup // of the server's own; nil: none
}

// sceneOptions say how to set a scene.
type sceneOptions struct {
	workload  workload
	bytes     int // of data
	save      time.Duration
	cgroup    bool // the server has a memory cgroup for itself
	hugePages bool // the server may have huge pages; the machine must allow them too
	args      []string
}

func setScene(ctx context.Context, fs proc.FS, o sceneOptions) (_ *scene, err error) {
	s := &scene{fs: fs, keys: o.workload.keys(o.bytes)}
	args := []string{"--rdbcompression", "no", "--rdb-key-save-delay", strconv.Itoa(saveDelay(o.save, s.keys, measureNap()))}
	if o.hugePages {
		args = append(args, "--disable-thp", "no")
	}
	if s.Server, err = redisrun.Start(ctx, redisrun.Options{Unix: true, Args: append(args, o.args...)}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if o.cgroup {
		if s.cgroup, err = newCgroup(); err != nil {
			return nil, err
		}
		if err = s.cgroup.add(s.PID()); err != nil { // empty still: what it holds is charged there
			return nil, err
		}
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

func (s *scene) close() error {
	err := s.Stop()
	if s.cgroup != nil {
		err = errors.Join(err, s.cgroup.remove())
	}
	return err
}

// patience is how long something may take that ought to happen at once.
const patience = 20 * time.Second

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
	list := fmt.Sprintf("/proc/%d/task/%[1]d/children", s.PID())
	for {
		b, err := os.ReadFile(list)
		if err != nil {
			return nil, err
		}
		pids, err := proc.ParseChildren(nil, b)
		if err != nil {
			return nil, err
		}
		if len(pids) > 0 {
			return s.fs.Open(pids[0])
		}
		if err := sleep(ctx, time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// spinner is a shell command that does nothing, busily, while the process lives
// whose id is its name.
const spinner = `while [ -d /proc/$0 ]; do i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; done`

// spin keeps n processors busy until stop is called.
func spin(n int) (stop func(), err error) {
	var all []*exec.Cmd
	stop = func() {
		for _, c := range all {
			_ = c.Process.Kill()
			_ = c.Wait() // killed
		}
	}
	for range n {
		c := exec.Command("sh", "-c", spinner, strconv.Itoa(os.Getpid()))
		if err := c.Start(); err != nil {
			stop()
			return nil, fmt.Errorf("a busy process: %w", err)
		}
		all = append(all, c)
	}
	return stop, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (s *scene) startLoad(ctx context.Context, w workload, rate int) *redisrun.Load {
	return redisrun.StartLoad(ctx, s.Client(), w.load(s.keys, rate))
}

// lastFork is how long the last fork took, as the server says.
func (s *scene) lastFork(ctx context.Context) (time.Duration, error) {
	info, err := s.Client().InfoMap(ctx, "stats").Result()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(info["Stats"]["latest_fork_usec"], 10, 64)
	return time.Duration(n) * time.Microsecond, err
}
