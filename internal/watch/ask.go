package watch

import (
	"context"
	"errors"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

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
	longest, err := w.opts.Redis.SavePoint(ctx)
	switch {
	case errors.Is(err, redisinfo.ErrMayNotAsk):
		return savesRefused
	case err != nil:
		w.log.Debug("The save points are not known", "err", err)
		return savesEvery
	}
	w.opts.Server.SetSavePoint(longest)
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
