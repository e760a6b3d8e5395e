package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// observer is one way to observe a server.
type observer struct {
	name  string
	every int  // it has a turn in every n-th round
	alone bool // wants the server alone in its memory cgroup
	// start begins to observe, and returns when the observer is ready; nil is nobody.
	start observerFunc
}

// begin begins to observe.
func (o observer) begin(ctx context.Context, b *bench, server *rig.Server) (watching, error) {
	if o.start == nil {
		return nobody{}, nil
	}
	return o.start(ctx, b, server)
}

// observerFunc begins to observe.
type observerFunc func(context.Context, *bench, *rig.Server) (watching, error)

// watching is an observer at work.
type watching interface {
	// follow tells of a child that was born just now.
	follow(child *proc.Process)
	cpu() (time.Duration, error)
	stop() error
}

// nobody observes nothing.
type nobody struct{}

func (nobody) follow(*proc.Process)        {}
func (nobody) cpu() (time.Duration, error) { return 0, nil }
func (nobody) stop() error                 { return nil }

// exporter finds children without being told.
type exporter struct {
	*rig.Program
	scrapes *scrapes // nil: none
}

func (*exporter) follow(*proc.Process)          {}
func (e *exporter) cpu() (time.Duration, error) { return rig.CPUTime(e.PID()) }

func (e *exporter) stop() error {
	err := e.scrapes.stop()
	e.Stop()
	return err
}

const (
	scrapeOurs   = 5 * time.Second
	scrapeOthers = time.Second
)

// build is this project's exporter, as some commit has it.
type build struct {
	name string // in errors
	file string
}

// startBuild starts the exporter x. alone is whether the server is alone in a memory
// cgroup, and the exporter has to see that.
func startBuild(ctx context.Context, b *bench, x build, server *rig.Server, alone bool) (*rig.Program, error) {
	p, err := rig.StartProgram(b.dir, x.name, "--web.listen-address", x.file, "--server="+server.Addr(), "--log.level=warn")
	if err != nil {
		return nil, err
	}
	err = p.Await(ctx, func(ctx context.Context) error {
		m, err := p.Metrics(ctx)
		if err != nil {
			return err
		}
		process, noProcess := m.Sum("redis_fork_source_available", "source", "process")
		cgroup, noCgroup := m.Sum("redis_fork_source_available", "source", "cgroup")
		if err := errors.Join(noProcess, noCgroup); err != nil {
			return err
		}
		if process != 1 || (cgroup == 1) != alone {
			return fmt.Errorf("the server's process: %v, its own cgroup: %v", process, cgroup)
		}
		return nil
	})
	if err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// ours returns what starts this tree's exporter, as exporterOf does.
func ours(alone bool, every time.Duration) observerFunc {
	return func(ctx context.Context, b *bench, server *rig.Server) (watching, error) {
		return exporterOf(b.ours, alone, every)(ctx, b, server)
	}
}

// exporterOf returns what starts the exporter x for a server that is alone in a memory
// cgroup or not, and scrapes it every so often; 0 is never.
func exporterOf(x build, alone bool, every time.Duration) observerFunc {
	return func(ctx context.Context, b *bench, server *rig.Server) (watching, error) {
		p, err := startBuild(ctx, b, x, server, alone)
		if err != nil {
			return nil, err
		}
		return &exporter{p, startScrapes(ctx, p, every)}, nil
	}
}

// foreign starts somebody else's exporter, as Debian packages it, with its
// defaults.
func foreign(binary string, args func(*rig.Server) []string) observerFunc {
	return func(ctx context.Context, b *bench, server *rig.Server) (watching, error) {
		p, err := rig.StartProgram(b.dir, binary, "-web.listen-address", append([]string{binary}, args(server)...)...)
		if err != nil {
			return nil, err
		}
		err = p.Await(ctx, func(ctx context.Context) error {
			_, err := p.Get(ctx, "/metrics")
			return err
		})
		if err != nil {
			p.Stop()
			return nil, err
		}
		return &exporter{p, startScrapes(ctx, p, scrapeOthers)}, nil
	}
}

// smapsLoop reads the child's smaps_rollup at a fixed pace, whatever that costs.
type smapsLoop struct {
	running sync.WaitGroup
	stopped atomic.Bool
	ran     atomic.Int64 // ns
}

const smapsEvery = 100 * time.Millisecond

func startSmapsLoop(context.Context, *bench, *rig.Server) (watching, error) {
	return &smapsLoop{}, nil
}

func (l *smapsLoop) follow(child *proc.Process) {
	l.running.Go(func() {
		runtime.LockOSThread() // whose time is measured
		defer runtime.UnlockOSThread()
		tick := time.NewTicker(smapsEvery)
		defer tick.Stop()
		before := proc.ThreadCPUTime()
		for !l.stopped.Load() {
			_, err := child.Smaps()
			l.ran.Store(int64(proc.ThreadCPUTime() - before))
			if err != nil {
				return // the child has ended
			}
			<-tick.C
		}
	})
}

func (l *smapsLoop) cpu() (time.Duration, error) { return time.Duration(l.ran.Load()), nil }

func (l *smapsLoop) stop() error {
	l.stopped.Store(true)
	l.running.Wait()
	return nil
}

// The names of observers in tables.
const (
	unobserved      = "nobody"
	unobservedAgain = "nobody, again"
	oursAlone       = "this exporter, server in a cgroup of its own"
	oursShared      = "this exporter, no cgroup of its own"
	redisExporter   = "redis_exporter, scraped every second"
	processExporter = "process-exporter, scraped every second"
	plainLoop       = "a loop reading smaps_rollup every 100 ms"
)

// observers are those to compare, and what has to be left out on this machine.
func observers(foreignEvery int, ownCgroup bool) (all []observer, missing []string) {
	all = []observer{
		{name: unobserved},
		{name: unobservedAgain},
		{name: oursShared, start: ours(false, scrapeOurs)},
	}
	if ownCgroup {
		all = append(all, observer{name: oursAlone, alone: true, start: ours(true, scrapeOurs)})
	} else {
		missing = append(missing, oursAlone+" (no memory cgroup can be made)")
	}
	for _, f := range []struct {
		name, binary string
		args         func(*rig.Server) []string
	}{
		{redisExporter, "prometheus-redis-exporter", func(s *rig.Server) []string {
			return []string{"-redis.addr=redis://" + s.Addr()}
		}},
		{processExporter, "prometheus-process-exporter", func(*rig.Server) []string {
			return []string{"-procnames=redis-server"}
		}},
	} {
		if _, err := exec.LookPath(f.binary); err != nil {
			missing = append(missing, f.name+" (Debian package "+f.binary+")")
			continue
		}
		all = append(all, observer{name: f.name, every: foreignEvery, start: foreign(f.binary, f.args)})
	}
	return append(all, observer{name: plainLoop, every: foreignEvery, start: startSmapsLoop}), missing
}
