package redisrun

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	loadTick    = 5 * time.Millisecond
	loadBackoff = 100 * time.Millisecond // after an error
)

// LoadOptions says what a Load writes.
type LoadOptions struct {
	Rate      int // writes per second
	Keys      int // those that are written to are 0 to Keys-1, as written by Fill, at random
	ValueSize int // bytes
	// MinValueSize makes values of this size to ValueSize, at random. 0: all have ValueSize.
	MinValueSize int
	Mix          Mix // what the writes are; the zero Mix overwrites
}

// Load writes to random keys at a rate until it is stopped. What it could not
// write while the server stood still is written afterwards, up to one second's worth.
type Load struct {
	cancel context.CancelFunc
	done   chan struct{}
	writes atomic.Uint64

	mu  sync.Mutex // guards err
	err error      // the last one
}

// StartLoad returns a Load of what o says that goes on over c until it is stopped or
// ctx ends. The caller has to stop it before it closes c.
func StartLoad(ctx context.Context, c *redis.Client, o LoadOptions) *Load {
	ctx, cancel := context.WithCancel(ctx)
	l := &Load{cancel: cancel, done: make(chan struct{})}
	go l.run(ctx, c, o)
	return l
}

// Writes returns how many writes the server has acknowledged.
func (l *Load) Writes() uint64 { return l.writes.Load() }

// Err returns the last error a write met, if any. A Load goes on after errors.
func (l *Load) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Stop ends the load, waits for that and returns Err. Calling it again returns the same.
func (l *Load) Stop() error {
	l.cancel()
	<-l.done
	return l.Err()
}

func (l *Load) run(ctx context.Context, c *redis.Client, o LoadOptions) {
	defer close(l.done)
	w := newWriter(o)
	tick := time.NewTicker(loadTick)
	defer tick.Stop()
	last, due := time.Now(), 0.0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		due = min(due+now.Sub(last).Seconds()*float64(o.Rate), float64(o.Rate))
		last = now
		for due >= 1 {
			n := min(int(due), pipelineLength)
			if err := w.write(ctx, c, n); err != nil {
				if ctx.Err() != nil {
					return
				}
				l.fail(err)
				select {
				case <-ctx.Done():
					return
				case <-time.After(loadBackoff):
				}
				break
			}
			due -= float64(n)
			l.writes.Add(uint64(n))
		}
	}
}

func (l *Load) fail(err error) {
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
}
