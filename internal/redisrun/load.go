package redisrun

import (
	"context"
	"fmt"
	"math/rand/v2"
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
	Keys      int // overwrites keys 0 to Keys-1, as written by Fill, at random
	ValueSize int // bytes
}

// Load overwrites random keys at a rate until it is stopped. What it could not
// write while the server stood still is written afterwards, up to one second's worth.
type Load struct {
	cancel context.CancelFunc
	done   chan struct{}
	writes atomic.Uint64

	mu  sync.Mutex
	err error
}

// StartLoad starts a Load. The caller has to stop it before it closes c.
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
	v := newValues(o.ValueSize)
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
			if err := write(ctx, c, v, o.Keys, n); err != nil {
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

func write(ctx context.Context, c *redis.Client, v *values, keys, n int) error {
	pipe := c.Pipeline()
	for range n {
		pipe.Set(ctx, Key(rand.IntN(keys)), v.next(), 0)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("write under load: %w", err)
	}
	return nil
}
