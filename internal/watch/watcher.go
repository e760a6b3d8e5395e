package watch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

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

// Options are what a Watcher is made of. All fields but Poll are required.
type Options struct {
	Name           string
	Redis          Redis
	Machine        Machine
	Server         *history.Server
	Logger         *slog.Logger
	Sampling       bool                 // false: INFO and births only, no reads of the child's memory
	SampleInterval time.Duration        // between two reads of a child's memory
	Budget         *Budget              // shared by all Watchers
	CPUTime        func() time.Duration // CPU time of the calling thread
}

// Watcher follows the forks of one server.
type Watcher struct {
	opts Options
	log  *slog.Logger

	done     chan struct{}    // closed when the loop has ended
	events   chan func()      // run by the loop; everything below belongs to it
	asks     chan struct{}    // wakes the asker
	forks    map[string]*fork // open records
	listed   map[int]string   // child pid -> fork ID; "" for a child that is no fork
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
	// countedUnseen are the forks of a restarted server's first reply, which are
	// unobserved but for those whose children are found alive.
	countedUnseen int

	followers sync.WaitGroup
}

// fork is an open record as the loop sees it.
type fork struct {
	id        string
	process   *process
	child     Process
	partial   bool
	born      time.Time
	seen      time.Time
	titled    history.Kind
	before    opt.Val[redisinfo.Info] // last reply before the birth
	after     opt.Val[redisinfo.Info] // first reply to an INFO sent after it was seen
	uncounted bool                    // the server does not count it, but it is a copy of it all the same
	settled   bool                    // the duration is known, or known to be lost
	end       opt.Val[death]
	final     opt.Val[redisinfo.Info] // first reply to an INFO sent after the server reaped the child
	alone     bool                    // no other fork had ended when final was sent: its figures are this fork's
	stop      context.CancelFunc
}

// New makes a Watcher; Run starts it.
func New(o Options) *Watcher {
	return &Watcher{
		opts:   o,
		log:    o.Logger.With("server", o.Name),
		done:   make(chan struct{}),
		events: make(chan func(), 64),
		asks:   make(chan struct{}, 1),
		forks:  map[string]*fork{},
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

// dated is something that was read, and when; absent at first.
type dated[T any] struct {
	what opt.Val[T]
	at   time.Time
}

// before is the last of two readings that speaks of a time before a birth. A
// birth is seen a moment late, and a reading may come in between.
func before[T any](birth time.Time, last, prior dated[T]) opt.Val[T] {
	if last.at.After(birth) {
		return prior.what
	}
	return last.what
}

// reply is an answer to INFO, or the lack of one.
type reply struct {
	sent, at time.Time
	info     redisinfo.Info
	peer     redisinfo.Peer
	err      error
}

// wish asks for an INFO: now, or right after the one under way, which may have
// been answered before whatever makes us ask.
func (w *Watcher) wish() {
	if w.asking.Present() {
		w.again = true
		return
	}
	w.asking, w.again = opt.Of(time.Now()), false
	w.asks <- struct{}{}
}

// ask is the asker: it may wait for the server for as long as it takes.
func (w *Watcher) ask(ctx context.Context) {
	var saves time.Time // not to be asked for before
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.asks:
		}
		one, cancel := context.WithTimeout(ctx, infoTimeout)
		r := reply{sent: time.Now()}
		r.info, r.err = w.opts.Redis.Info(one)
		r.at = time.Now()
		r.peer, _ = w.opts.Redis.Peer()
		cancel()
		if ctx.Err() != nil {
			return
		}
		w.post(func() { w.replied(ctx, r) })
		if r.err == nil && time.Now().After(saves) {
			saves = time.Now().Add(w.askSavePoints(ctx))
		}
	}
}

// askSavePoints asks for the longest save point, and tells when to ask again. A
// user who may not ask is not asked again soon: each refusal is an entry in the
// server's ACL LOG.
func (w *Watcher) askSavePoints(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	seconds, err := w.opts.Redis.SaveInterval(ctx)
	switch {
	case errors.Is(err, redisinfo.ErrMayNotAsk):
		return savesRefused
	case err != nil:
		w.log.Debug("The save points are not known", "err", err)
		return savesEvery
	}
	w.opts.Server.SetSaveInterval(seconds)
	return savesEvery
}

// checkSlow marks a server as down that has not answered for a while. The
// question stays open: an answer brings it back. Where the question before has
// failed, its error says more than the silence since.
func (w *Watcher) checkSlow() {
	if w.downed {
		return
	}
	if since, ok := w.asking.Get(); ok && time.Since(since) >= infoSlow {
		w.opts.Server.SetDown("the server has not answered INFO for more than a second: it runs a slow command, is stopped, or its network is cut")
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
	w.opts.Server.CountReadError(history.ReadError{Source: history.SourceInfo, Reason: reason})
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
			w.opts.Server.Update(id, func(r *history.Fork) { r.StallSeconds = opt.Of(v.Seconds()) })
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

// learn takes from a reply what it says of an open fork.
func (w *Watcher) learn(f *fork, r reply) {
	if !r.sent.Before(f.seen) && !f.after.Present() {
		f.after = opt.Of(r.info)
		w.setKind(f)
	}
	end, ended := f.end.Get()
	switch {
	case !ended:
		w.takeReported(f, r)
	case !r.sent.Before(end.reaped) && !f.final.Present():
		f.final, f.alone = opt.Of(r.info), w.lastEnded() == f
	}
}

// lastEnded is the fork that ended last, of those whose records are open.
func (w *Watcher) lastEnded() *fork {
	var last *fork
	var at time.Time
	for _, f := range w.forks {
		if end, ok := f.end.Get(); ok && end.at.After(at) {
			last, at = f, end.at
		}
	}
	return last
}

func (w *Watcher) setKind(f *fork) {
	kind := resolveKind(f.titled, f.before, f.after)
	w.opts.Server.Update(f.id, func(r *history.Fork) { r.Kind = kind })
}

// titled takes a kind that a child's title gave.
func (w *Watcher) titled(id string, kind history.Kind) {
	if f := w.forks[id]; f != nil {
		f.titled = kind
		w.setKind(f)
	}
}

// takeReported notes the server's own figure about its running child. It is
// some child's, so it is believed only while there is just one.
func (w *Watcher) takeReported(f *fork, r reply) {
	bytes := r.info.CurrentCOWBytes.Or(0)
	if bytes == 0 || w.living() != 1 || isClosed(f.child.Exited()) {
		return
	}
	// The age is in whole seconds, rounded down.
	latest := r.at.Add(-time.Duration(r.info.CurrentCOWAgeSeconds.Or(0)) * time.Second)
	measured := latest.Add(-500 * time.Millisecond)
	if earliest := latest.Add(-time.Second); !earliest.After(f.born) {
		// A child's first figure is from its very start (its next comes a second
		// later at the earliest), and the server takes it in up to a second later.
		measured = f.born
	}
	if latest.Before(f.born) {
		return // an earlier child's
	}
	w.opts.Server.AddReported(f.id, history.Reported{Seconds: measured.Sub(f.born).Seconds(), COWBytes: bytes})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (w *Watcher) living() (n int) {
	for _, f := range w.forks {
		if !f.end.Present() {
			n++
		}
	}
	return n
}

// ended takes the end of a child, once it is reaped.
func (w *Watcher) ended(id string, d death, cpu opt.Val[float64], written opt.Val[uint64]) {
	f := w.forks[id]
	if f == nil {
		return
	}
	f.end = opt.Of(d)
	w.opts.Server.Update(id, func(r *history.Fork) { r.CPUSeconds, r.WrittenBytes = cpu, written })
	w.wish()
	w.expire(time.Now())
}

// expire closes the records that are complete, or have waited long enough.
func (w *Watcher) expire(now time.Time) {
	var s settlement
	w.ledger.expire(now, &s)
	w.settle(s)
	for id, f := range w.forks {
		end, ended := f.end.Get()
		if !ended {
			continue
		}
		gone := f.process.gone
		complete := (f.final.Present() || gone) && (f.settled || gone || f.partial)
		if complete || now.Sub(end.at) >= closeAfter {
			w.close(id, f, end)
		}
	}
}

// close closes a fork's record and tells it in one line.
func (w *Watcher) close(id string, f *fork, end death) {
	end.serverDied = f.process.died
	w.opts.Server.Update(id, func(r *history.Fork) {
		end.record(r)
		final, asked := f.final.Get()
		if !asked {
			return
		}
		if r.Outcome == history.OutcomeUnknown {
			r.Outcome = outcomeOfInfo(r.Kind, r.Start, f.before, final)
		}
		if f.alone && r.Outcome == history.OutcomeOK {
			r.ReportedCOWBytes = finalCOW(r.Kind, final)
		}
	})
	record, _ := w.opts.Server.Close(id)
	if f.uncounted {
		w.opts.Server.CountUnobserved(0, 1) // so that the accounts of children and durations stay equal
	}
	w.forget(id, f)
	logFork(w.log, record)
}

// reject drops a child that turned out to be no fork of the server.
func (w *Watcher) reject(id, why string) {
	f := w.forks[id]
	if f == nil {
		return
	}
	w.log.Debug("A child of the server is no fork", "child", f.child.ID().PID, "why", why)
	w.ledger.forget(id)
	w.opts.Server.Drop(id)
	w.forget(id, f)
	if pid := f.child.ID().PID; w.listed[pid] == id {
		w.listed[pid] = ""
	}
}

// forget releases what an open record held.
func (w *Watcher) forget(id string, f *fork) {
	delete(w.forks, id)
	f.stop()
	f.child.Close()
}
