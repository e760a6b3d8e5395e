package redisrun

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/redis/go-redis/v9"
)

const pipelineLength = 1000

// Key returns the name of key i, as Fill and Load write it.
func Key(i int) string { return fmt.Sprintf("key:%010d", i) }

// Fill writes keys 0 to keys-1 with random values of valueSize bytes over c. The
// values don't compress, so that a save takes as long as it would with real data.
func Fill(ctx context.Context, c *redis.Client, keys, valueSize int) error {
	v := newValues(valueSize)
	for from := 0; from < keys; from += pipelineLength {
		pipe := c.Pipeline()
		for i := from; i < min(from+pipelineLength, keys); i++ {
			pipe.Set(ctx, Key(i), v.next(), 0)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return fmt.Errorf("write keys from %d: %w", from, err)
		}
	}
	return nil
}

// values makes values that differ from each other without making random
// bytes for each: windows into one random buffer.
type values struct {
	buf  []byte
	size int
}

func newValues(size int) *values {
	buf := make([]byte, size+4096)
	for i := range buf {
		buf[i] = byte(rand.Uint32())
	}
	return &values{buf: buf, size: size}
}

func (v *values) next() []byte {
	at := rand.IntN(len(v.buf) - v.size)
	return v.buf[at : at+v.size]
}
