package watch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

const (
	second    = time.Second            // between two readings of the server's memory, and track.Second
	tickEvery = 100 * time.Millisecond // track.Tick
)

// Options are what a Watcher is made of. All fields are required.
type Options struct {
	Name           string
	Redis          Redis
	Machine        Machine
	Processes      Processes // shared by all watchers of a machine
	Server         *history.Server
	Logger         *slog.Logger
	Sampling       bool                 // false: INFO and births only, no reads of the child's memory
	SampleInterval time.Duration        // between two reads of a child's memory
	Budget         *child.Budget        // of this server alone: a large one must not blind the others
	CPUTime        func() time.Duration // CPU time of the calling thread
}

// Watcher watches one server.
type Watcher struct {
	opts Options
	log  *slog.Logger

	done   chan struct{} // closed when the loop has ended
	events chan event    // handled by the loop; everything below belongs to it
	asks   chan struct{} // wakes the asker

	forks   map[string]*followed // the children of open records, by the fork's ID
	listed  map[int]string       // child pid -> fork ID; "" for a child that is no fork
	process *process             // proved and watched; nil without
	answer  answer               // the last good one
	freed   <-chan struct{}      // closed when another server lets this one's process go; nil without such

	followers sync.WaitGroup
}

// event is what is posted to the loop.
type event interface {
	happen(ctx context.Context, w *Watcher)
}

// New returns a Watcher; Run starts it.
func New(o Options) *Watcher {
	return &Watcher{
		opts:   o,
		log:    o.Logger.With("server", o.Name),
		done:   make(chan struct{}),
		events: make(chan event, 64),
		asks:   make(chan struct{}, 1),
		forks:  map[string]*followed{},
		listed: map[int]string{},
	}
}

// Run watches until ctx ends, and returns its error. Whatever fails on the way
// is logged, shown in the server's state and tried again.
func (w *Watcher) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var asker sync.WaitGroup
	asker.Go(func() { w.ask(ctx) })
	defer func() {
		cancel()
		close(w.done)
		asker.Wait()
		w.followers.Wait()
		for _, f := range w.forks {
			f.child.Close()
		}
		if w.process != nil {
			w.process.close()
		}
	}()
	seconds := time.NewTicker(second)
	defer seconds.Stop()
	ticks := time.NewTicker(tickEvery)
	defer ticks.Stop()
	w.apply(ctx, track.Second{})
	for {
		var tick <-chan time.Time
		if w.opts.Server.Waiting() {
			tick = ticks.C
		}
		var exited <-chan struct{}
		if w.process != nil {
			exited = w.process.Exited()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e := <-w.events:
			e.happen(ctx, w)
		case <-exited:
			w.serverExited(ctx)
		case <-w.freed:
			w.freed = nil
			w.apply(ctx, track.Freed{})
		case <-seconds.C:
			w.readMemory(ctx)
			w.apply(ctx, track.Second{})
		case <-tick:
			w.apply(ctx, track.Tick{})
		}
	}
}

// post hands an event to the loop. It must not be called from the loop.
func (w *Watcher) post(e event) {
	select {
	case w.events <- e:
	case <-w.done:
	}
}

// apply has e taken as of now, and carries out what that calls for.
func (w *Watcher) apply(ctx context.Context, e track.Event) {
	for _, a := range w.opts.Server.Apply(e, time.Now()) {
		switch a := a.(type) {
		case track.Ask:
			w.asks <- struct{}{}
		case track.Find:
			w.find(ctx)
		case track.Detach:
			w.detach()
		case track.Verify:
			f := w.forks[a.ID]
			w.apply(ctx, track.Verified{ID: a.ID, Copy: isCopy(f.process.Process, f.child)})
		case track.Release:
			w.release(a.ID)
		default:
			tell(w.log, a)
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
