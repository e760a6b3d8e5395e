package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// settings are what flags say.
type settings struct {
	only         map[string]bool
	rounds       int
	foreignEvery int
	keys         int // of the latency's server
	rate         int // its requests a second
	value        int // bytes; 0: as each measurement likes it best
	keyDelay     int // µs that a child waits at each key
	quiet        time.Duration
	sizeGB       int
	under        string // where servers and their files are put

	against string // a commit, "": none
	pairs   int
	slot    time.Duration // a turn's
	scrapes int           // at least so many in a turn
}

// bench is what all measurements need.
type bench struct {
	settings
	*rig.Progress
	fs   proc.FS
	dir  string // of its own
	ours build  // this tree's exporter
	rng  *rand.Rand
}

func newBench(ctx context.Context, s settings) (_ *bench, err error) {
	b := &bench{settings: s, Progress: rig.NewProgress(os.Stderr), rng: rand.New(rand.NewPCG(1, 2))}
	if b.fs, err = proc.NewFS("/proc"); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp(s.under, "benchobserver-"); err != nil {
		return nil, fmt.Errorf("directory for servers: %w", err)
	}
	b.ours = build{"this exporter", filepath.Join(b.dir, "redis_fork_exporter")}
	if err := rig.Build(ctx, b.ours.file); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// valueOr is the size of values that was asked for, or what is usual.
func (s settings) valueOr(usual int) int {
	if s.value > 0 {
		return s.value
	}
	return usual
}

// warnIfBusy says so if others use the machine: ratios then are of others' making.
func (b *bench) warnIfBusy() {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return
	}
	var load float64
	if _, err := fmt.Sscan(string(text), &load); err == nil && load > 1 {
		b.Say("the machine has other work (load average %.1f): the figures will be of little use", load)
	}
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// account switches delay accounting on or off until restore is called.
func (b *bench) account(ctx context.Context, on string) (restore func(), err error) {
	back, err := rig.Set(ctx, rig.DelayAccounting, on)
	if err != nil {
		return func() {}, fmt.Errorf("kernel.task_delayacct: %w", err)
	}
	return func() {
		if err := back(); err != nil {
			b.Say("kernel.task_delayacct: %v", err)
		}
	}, nil
}

// host is a server with a directory, in a memory cgroup of its own if that is wanted
// and can be made.
type host struct {
	*rig.Server
	dir string
}

// start starts a server. The caller has to stop it.
func (b *bench) start(ctx context.Context, name string, ownCgroup bool, args ...string) (h *host, err error) {
	h = &host{dir: filepath.Join(b.dir, name)}
	if err := os.Mkdir(h.dir, 0o755); err != nil {
		return nil, err
	}
	if b.keyDelay > 0 {
		args = append(args, "--rdb-key-save-delay", strconv.Itoa(b.keyDelay))
	}
	var group *rig.Cgroup
	if ownCgroup {
		if group, err = rig.NewCgroup(name); err != nil {
			b.Say("%v", err)
		}
	}
	h.Server, err = rig.StartServer(ctx, b.fs, group, redisrun.Options{Dir: h.dir, Args: args})
	return h, err
}

// fill fills the server, and returns how large it is then.
func (b *bench) fill(ctx context.Context, h *host, keys, valueSize int) (resident uint64, err error) {
	b.Say("filling a server with %d keys of %d bytes", keys, valueSize)
	if err := fill(ctx, h.Addr(), keys, valueSize); err != nil {
		return 0, err
	}
	p, err := b.fs.Open(h.PID())
	if err != nil {
		return 0, err
	}
	defer p.Close()
	status, err := p.Status()
	if err != nil {
		return 0, err
	}
	return status.VMRSS.Or(0), nil
}

// forget removes the server's dump. Replacing a large file costs a later save
// time that an earlier one did not need.
func (h *host) forget() { _ = os.Remove(filepath.Join(h.dir, "dump.rdb")) }

func (h *host) stop() error { return errors.Join(h.Close(), os.RemoveAll(h.dir)) }

// end stops the server and says what went wrong.
func (b *bench) end(h *host) {
	if err := h.stop(); err != nil {
		b.Say("%v", err)
	}
}
