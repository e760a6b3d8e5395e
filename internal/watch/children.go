package watch

import (
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// report takes an event of a child. It is called by the child's follower.
func (w *Watcher) report(f *openFork, e child.Event) {
	server := w.opts.Server
	switch e := e.(type) {
	case child.Point:
		w.point(f.id, e)
	case child.EstimateExpected:
		server.ExpectEstimate()
	case child.Estimated:
		server.SetEstimatedStall(f.id, e.Seconds)
	case child.Died:
		server.Died(f.id, e.At)
	case child.TailFaults:
		server.AddTailFaults(e.N)
	case child.Tailed:
		server.SetTail(f.id, e.Tail)
		logTail(w.log, f.id, e.Tail)
	case child.Titled:
		w.post(func() { w.titled(f.id, e.Kind) })
	case child.OtherProgram:
		w.post(func() { w.reject(f.id, "the child runs another program") })
	case child.DelaysStopped:
		w.post(func() { w.noDelays(f.process, e.Err) })
	case child.Learned:
		w.post(func() { f.process.experience = f.process.experience.With(e.Experience) })
	case child.Ended:
		w.post(func() {
			w.ended(f.id, death{at: e.At, reaped: e.Reaped, status: e.Status, oomKilled: e.OOMKilled}, e.CPU, e.Written)
		})
	}
}

// point takes what one look at a child has brought.
func (w *Watcher) point(id string, p child.Point) {
	server := w.opts.Server
	for _, r := range p.Reads {
		server.CountSampler(r.Source, r.Cost)
		w.judgeRead(r)
	}
	for _, source := range p.Deferred {
		server.CountDeferred(source)
	}
	if c, ok := p.Copies.Get(); ok {
		server.AddCopies(id, c)
	}
	if s, ok := p.Private.Get(); ok {
		server.AddSample(id, s)
	}
	if e, ok := p.Extra.Get(); ok {
		server.AddExtra(id, e)
	}
}

// judgeRead notes whether a source of private dirty memory works.
func (w *Watcher) judgeRead(r child.Read) {
	if r.Source == fork.SourceCounters {
		return
	}
	server := w.opts.Server
	switch {
	case r.Err == nil:
		server.SetAvailable(r.Source, true)
	case r.Source == fork.SourcePagemap && r.Reason != "":
		if server.SetAvailable(r.Source, false) {
			w.log.Warn("The child's pages can't be read", "err", r.Err, "remedy", words.ReadPages(words.TheExporter))
		}
	case r.Reason == child.ReasonDenied:
		if server.SetAvailable(r.Source, false) {
			w.log.Warn("The child's smaps can't be read", "err", r.Err, "remedy", words.ReadSmaps(words.TheExporter))
		}
	case r.Reason == child.ReasonFailed:
		server.CountReadError(history.ReadError{Source: r.Source, Reason: r.Reason})
		w.log.Debug("Reading the child's smaps failed", "err", r.Err)
	}
}
