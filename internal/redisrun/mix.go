package redisrun

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/redis/go-redis/v9"
)

// patchSize is what a write in place changes: less than a cache line.
const patchSize = 8 // bytes

// Mix says what a Load's writes are: each kind's share of the sum. The zero Mix
// overwrites. The kinds differ in what they do to memory that a child shares:
// some copy pages, some need new ones, some give pages back.
type Mix struct {
	Overwrite int // SET of one of the keys
	Insert    int // SET of a key that is new
	Delete    int // DEL of one of the keys, each once: nothing is left to do after the last
	Unlink    int // UNLINK of one of the keys, likewise
	Patch     int // SETRANGE of a few bytes in one of the keys
}

// writer makes a Load's writes.
type writer struct {
	options LoadOptions
	values  *values
	doomed  []int // the keys that deletions have not come to yet
}

func newWriter(o LoadOptions) *writer {
	if o.Mix == (Mix{}) {
		o.Mix.Overwrite = 1
	}
	w := &writer{options: o, values: newValues(o.ValueSize)}
	if o.Mix.Delete+o.Mix.Unlink > 0 {
		w.doomed = rand.Perm(o.Keys)
	}
	return w
}

// write makes n writes over c, in one pipeline.
func (w *writer) write(ctx context.Context, c *redis.Client, n int) error {
	pipe := c.Pipeline()
	for range n {
		w.add(ctx, pipe)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("write under load: %w", err)
	}
	return nil
}

// add adds one write to pipe, of a kind that the mix draws.
func (w *writer) add(ctx context.Context, pipe redis.Pipeliner) {
	m := &w.options.Mix
	at := rand.IntN(m.Overwrite + m.Insert + m.Delete + m.Unlink + m.Patch)
	is := func(share int) bool { at -= share; return at < 0 }
	switch {
	case is(m.Overwrite):
		pipe.Set(ctx, w.key(), w.value(), 0)
	case is(m.Insert):
		pipe.Set(ctx, fmt.Sprintf("new:%016x", rand.Uint64()), w.value(), 0)
	case is(m.Delete):
		pipe.Del(ctx, w.doom())
	case is(m.Unlink):
		pipe.Unlink(ctx, w.doom())
	default:
		offset := rand.IntN(max(1, w.options.ValueSize-patchSize+1))
		patch := binary.NativeEndian.AppendUint64(nil, rand.Uint64())
		pipe.SetRange(ctx, w.key(), int64(offset), string(patch))
	}
}

func (w *writer) key() string { return Key(rand.IntN(w.options.Keys)) }

func (w *writer) value() []byte {
	size := w.options.ValueSize
	if least := w.options.MinValueSize; least > 0 {
		size = least + rand.IntN(size-least+1)
	}
	return w.values.next()[:size]
}

// doom returns the next key to be deleted, at last the same one again and again.
func (w *writer) doom() string {
	key := Key(w.doomed[0])
	if len(w.doomed) > 1 {
		w.doomed = w.doomed[1:]
	}
	return key
}
