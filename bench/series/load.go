package main

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

const (
	tick  = 10 * time.Millisecond
	batch = 500
)

// writer writes to the server as a series says.
type writer struct {
	series
	client *redis.Client
	keys   int
	random *rand.Rand
	bytes  []byte
}

func newWriter(s series, c *redis.Client) *writer {
	w := &writer{series: s, client: c, random: rand.New(rand.NewPCG(1, 2)), bytes: make([]byte, s.maxValue+4096)}
	for i := range w.bytes {
		w.bytes[i] = byte(w.random.Uint32())
	}
	return w
}

// value is incompressible, and another each time.
func (w *writer) value() []byte {
	size := w.minValue + w.random.IntN(w.maxValue-w.minValue+1)
	at := w.random.IntN(len(w.bytes) - size)
	return w.bytes[at : at+size]
}

// fill adds keys up to a number.
func (w *writer) fill(ctx context.Context, keys int) error {
	for w.keys < keys {
		pipe := w.client.Pipeline()
		for n := 0; n < batch && w.keys < keys; n++ {
			pipe.Set(ctx, redisrun.Key(w.keys), w.value(), 0)
			w.keys++
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// run writes at a rate until ctx ends. It adds keys up to limit only.
func (w *writer) run(ctx context.Context, rate float64, limit int) error {
	clock := time.NewTicker(tick)
	defer clock.Stop()
	start, written := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-clock.C:
		}
		due := int(time.Since(start).Seconds()*rate) - written
		for due > 0 {
			n := min(due, batch)
			pipe := w.client.Pipeline()
			for range n {
				w.write(ctx, pipe, limit)
			}
			if _, err := pipe.Exec(ctx); err != nil && ctx.Err() == nil {
				return err
			}
			due -= n
			written += n
		}
	}
}

func (w *writer) write(ctx context.Context, pipe redis.Pipeliner, limit int) {
	key := redisrun.Key(int(float64(w.keys) * math.Pow(w.random.Float64(), w.skew)))
	switch u := w.random.Float64(); {
	case u < w.inserts && w.keys < limit:
		key = redisrun.Key(w.keys)
		w.keys++
	case u > 1-w.deletes:
		pipe.Del(ctx, key)
		return
	}
	pipe.Set(ctx, key, w.value(), 0)
}
