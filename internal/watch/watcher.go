package watch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

const (
	infoEvery    = time.Second      // INFO once a second, however many scrape
	infoTimeout  = 5 * time.Second  // a fork or a slow command delays the answer: don't give up at once
	infoSlow     = time.Second      // without an answer for so long the server counts as down
	savesEvery   = time.Minute      // CONFIG GET save
	savesRefused = 24 * time.Hour   // CONFIG GET save, after it was refused
	findEvery    = 10 * time.Second // looking for the process walks through /proc
	findAtMost   = 5 * time.Minute
	closeAfter   = 10 * time.Second // a record waits no longer for what INFO may still say
	birthGrace   = 200 * time.Millisecond
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

// Watcher follows the forks of one server.
type Watcher struct {
	opts Options
	log  *slog.Logger

	done     chan struct{}        // closed when the loop has ended
	events   chan func()          // run by the loop; everything below belongs to it
	asks     chan struct{}        // wakes the asker
	forks    map[string]*openFork // open records
	listed   map[int]string       // child pid -> fork ID; "" for a child that is no fork
	ledger   ledger
	process  *process              // proved and watched; nil without
	last     dated[redisinfo.Info] // the last good reply
	prior    dated[redisinfo.Info] // and the one before it
	asking   opt.Val[time.Time]    // an INFO is under way since
	again    bool                  // ask once more when it has been answered
	downed   bool                  // the last INFO failed, and that was logged
	findAt   time.Time             // no search for the process before
	findWait time.Duration         // how long after the last search that is
	noProc   string                // why there is no process, as logged
	freed    <-chan struct{}       // closed when another server lets this one's process go; nil without such
	// countedUnseen are the forks of a restarted server's first reply, which are
	// unobserved but for those whose children are found alive.
	countedUnseen int

	followers sync.WaitGroup
}

// New makes a Watcher; Run starts it.
func New(o Options) *Watcher {
	return &Watcher{
		opts:   o,
		log:    o.Logger.With("server", o.Name),
		done:   make(chan struct{}),
		events: make(chan func(), 64),
		asks:   make(chan struct{}, 1),
		forks:  map[string]*openFork{},
		listed: map[int]string{},
		ledger: ledger{grace: birthGrace},
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
	poll := time.NewTicker(infoEvery)
	defer poll.Stop()
	tidy := time.NewTicker(birthGrace / 2)
	defer tidy.Stop()
	w.wish()
	for {
		var idle <-chan time.Time
		if len(w.forks) > 0 || w.ledger.waiting() {
			idle = tidy.C
		}
		var exited <-chan struct{}
		if w.process != nil {
			exited = w.process.Exited()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event := <-w.events:
			event()
		case <-exited:
			w.serverExited()
		case <-w.freed:
			w.freed, w.findAt = nil, time.Time{}
			w.wish()
		case <-poll.C:
			w.readMemory()
			w.checkSlow()
			if !w.asking.Present() {
				w.wish()
			}
		case now := <-idle:
			w.expire(now)
		}
	}
}

// post hands an event to the loop. It must not be called from the loop.
func (w *Watcher) post(event func()) {
	select {
	case w.events <- event:
	case <-w.done:
	}
}

// replied takes an answer to INFO.
func (w *Watcher) replied(ctx context.Context, r reply) {
	w.asking = opt.Val[time.Time]{}
	if w.again {
		defer w.wish()
	}
	if r.err != nil {
		w.failed(r.err)
		return
	}
	if w.downed {
		w.downed = false
		w.log.Info("The server answers again")
	}
	before, hadBefore := w.last.what.Get()
	if hadBefore && before.RunID != r.info.RunID {
		w.restarted(r.info)
	} else {
		// CONFIG RESETSTAT shows in a count of commands that fell, also where as
		// many forks have been made since.
		reset := hadBefore && fell(before.CommandsProcessed, r.info.CommandsProcessed)
		w.settle(w.ledger.reply(r.sent, r.at, r.info.TotalForks, r.info.LatestFork, reset))
		if hadBefore && !reset {
			for kind, n := range refused(before, r.info) {
				w.opts.Server.CountRefused(kind, n)
				w.log.Warn("The kernel refused a fork", "kind", kind, "times", n)
			}
		}
	}
	w.prior, w.last = w.last, dated[redisinfo.Info]{opt.Of(r.info), r.at}
	w.findProcess(ctx, r)
	w.opts.Server.SetInfo(r.info, r.at) // last: whoever sees the server up sees its process too
	for _, f := range w.forks {
		w.learn(f, r)
	}
	w.expire(r.at)
}

// failed takes the lack of an answer.
func (w *Watcher) failed(err error) {
	w.opts.Server.SetDown(err.Error())
	reason := "protocol"
	if e, ok := errors.AsType[*redisinfo.Error](err); ok {
		reason = e.Reason
	}
	w.opts.Server.CountReadError(history.ReadError{Source: fork.SourceInfo, Reason: reason})
	if !w.downed {
		w.downed = true
		w.log.Warn("The server does not answer INFO", "err", err)
	}
}

// restarted begins anew with another run of the server. The forks that it has
// made already were not followed.
func (w *Watcher) restarted(info redisinfo.Info) {
	w.log.Info("The server has been restarted", "version", info.Version)
	w.settle(w.ledger.close())
	w.ledger.total = info.TotalForks
	w.countedUnseen = int(info.TotalForks.Or(0))
	w.findAt, w.findWait = time.Time{}, 0
	w.detach("the server has been restarted")
}

// settle acts on what the ledger found out.
func (w *Watcher) settle(s settlement) {
	w.opts.Server.CountUnobserved(s.unobservedChildren, s.lostDurations)
	if s.unobservedChildren > 0 {
		w.log.Warn("Forks were not seen", "forks", s.unobservedChildren,
			"why", w.whyUnseen())
	}
	for _, d := range s.orphans {
		w.opts.Server.ObserveStall(d.Seconds())
	}
	for id, d := range s.durations {
		f := w.forks[id]
		if f == nil { // closed before it was known
			if v, ok := d.Get(); ok {
				w.opts.Server.ObserveStall(v.Seconds())
			}
			continue
		}
		f.settled = true
		if v, ok := d.Get(); ok {
			w.opts.Server.Update(id, func(r *fork.Record) { r.StallSeconds = opt.Of(v.Seconds()) })
		}
	}
	for _, id := range s.uncounted {
		w.uncounted(id)
	}
}

func (w *Watcher) whyUnseen() string {
	if w.process == nil {
		return "the server's process is not known, only INFO is"
	}
	return "their children were gone before the next look"
}

// uncounted handles a child that the server does not count among its forks. One
// that still is a copy of the server is kept: a module may call fork(2) itself,
// and its copies cost the same.
func (w *Watcher) uncounted(id string) {
	f := w.forks[id]
	if f == nil {
		return
	}
	f.settled = true
	if f.end.Present() || !isCopy(f.process.Process, f.child) {
		w.reject(id, "the server does not count it among its forks")
		return
	}
	f.uncounted = true
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
