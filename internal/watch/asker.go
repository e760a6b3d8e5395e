package watch

import (
	"context"
	"errors"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

const (
	infoTimeout  = 5 * time.Second // a fork or a slow command delays the answer: don't give up at once
	savesEvery   = time.Minute     // CONFIG GET save
	savesRefused = 24 * time.Hour  // CONFIG GET save, after it was refused
)

// answer is an answer to INFO, or the lack of one.
type answer struct {
	sent, at time.Time
	info     redisinfo.Info
	peer     redisinfo.Peer
	err      error
}

func (a answer) happen(ctx context.Context, w *Watcher) {
	if a.err != nil {
		reason := "protocol"
		if e, ok := errors.AsType[*redisinfo.Error](a.err); ok {
			reason = e.Reason
		}
		w.apply(ctx, track.Failed{Reason: reason, Problem: a.err.Error()})
		return
	}
	if w.process != nil && isClosed(w.process.Exited()) && a.info.RunID != w.answer.info.RunID {
		w.serverExited(ctx) // before another run answers
	}
	w.answer = a
	w.apply(ctx, track.Replied{Sent: a.sent, At: a.at, Info: a.info})
}

// savePoints is an answer to CONFIG GET save.
type savePoints struct {
	longest opt.Val[redisinfo.SavePoint]
}

func (s savePoints) happen(ctx context.Context, w *Watcher) {
	w.apply(ctx, track.SavePoints{Longest: s.longest})
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
		a := answer{sent: time.Now()}
		a.info, a.err = w.opts.Redis.Info(one)
		a.at = time.Now()
		a.peer, _ = w.opts.Redis.Peer()
		cancel()
		if ctx.Err() != nil {
			return
		}
		w.post(a)
		if a.err == nil && time.Now().After(saves) {
			saves = time.Now().Add(w.askSavePoints(ctx))
		}
	}
}

// askSavePoints asks for the longest save point, and returns when to ask again. A
// user who may not ask is not asked again soon: each refusal is an entry in the
// server's ACL LOG.
func (w *Watcher) askSavePoints(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	longest, err := w.opts.Redis.SavePoint(ctx)
	switch {
	case errors.Is(err, redisinfo.ErrMayNotAsk):
		return savesRefused
	case err != nil:
		w.log.Debug("The save points are not known", "err", err)
		return savesEvery
	}
	w.post(savePoints{longest})
	return savesEvery
}
