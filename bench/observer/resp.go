package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// setCommand is a SET whose key and value change in place, so that sending it
// costs its sender next to nothing.
//
// Values compress well: a save then writes little, and what is measured is the
// server and not the disk.
type setCommand struct {
	wire   []byte
	digits []byte // of the key, within wire
	value  []byte // within wire
	source []byte // values are windows into it
}

// pattern is how many bytes of a value come before it repeats itself.
const pattern = 64

func newSetCommand(valueSize int) *setCommand {
	key := redisrun.Key(0)
	head := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n", len(key), key, valueSize)
	c := &setCommand{
		wire:   append([]byte(head), make([]byte, valueSize+2)...),
		source: make([]byte, valueSize+pattern),
	}
	for i := range c.source {
		c.source[i] = 'a' + byte(rand.IntN(26)) // and never a line's end
		if i >= pattern {
			c.source[i] = c.source[i-pattern]
		}
	}
	digit := bytes.IndexByte([]byte(key), '0')
	at := bytes.Index(c.wire, []byte(key))
	c.digits = c.wire[at+digit : at+len(key)]
	c.value = c.wire[len(head) : len(head)+valueSize]
	copy(c.wire[len(head)+valueSize:], "\r\n")
	return c
}

// next is the bytes of a SET of a key that redisrun.Fill has written. They are
// valid until the next call.
func (c *setCommand) next(key int) []byte {
	for i := len(c.digits) - 1; i >= 0; i-- {
		c.digits[i] = '0' + byte(key%10)
		key /= 10
	}
	at := rand.IntN(pattern)
	copy(c.value, c.source[at:])
	return c.wire
}

// appendGet appends a GET of such a key.
func appendGet(b []byte, key int) []byte {
	name := redisrun.Key(key)
	return fmt.Appendf(b, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", len(name), name)
}

// errorReply is an error that the server answered.
type errorReply string

func (e errorReply) Error() string { return "the server answers: " + string(e) }

// replies counts replies of one line, which may come in pieces.
type replies struct {
	line []byte // the beginning of one that is not whole yet
}

// count tells how many replies b completes.
func (r *replies) count(b []byte) (n int, err error) {
	for {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		r.line = append(r.line, line...)
		if !whole {
			return n, nil
		}
		if r.line[0] == '-' {
			return n, errorReply(bytes.TrimSpace(r.line[1:]))
		}
		n++
		r.line, b = r.line[:0], rest
	}
}
