package redisinfo

import (
	"bytes"
	"errors"
	"math"
)

const (
	maxLine    = 64 << 10 // bytes of a reply's header line, or of a one-line reply
	maxBulk    = 4 << 20  // bytes; INFO is 5 to 20 KiB, more with many replicas and modules
	maxArray   = 1 << 10  // elements; HELLO answers with 14
	headLength = 128      // bytes; what a server says before it hangs up on a client
)

// What the guard finds wrong with a server's bytes.
var (
	errNotRESP    = errors.New("not a reply in the Redis protocol")
	errTooLarge   = errors.New("reply too large")
	errTLSReply   = errors.New("a TLS record instead of a reply")
	tlsAlertStart = []byte{0x15, 0x03} // content type alert, major version 3
)

// guard watches the bytes of a connection go by and stops them when they are
// no Redis protocol. go-redis allocates what the length in a reply's header
// says, before it has read any of it, and reads a line to its end however long that
// is: without a guard, whatever listens on a mistyped port could end the exporter.
//
// It follows RESP as a flat sequence of header lines and bulk strings; which of
// them belong to which array is of no concern here.
type guard struct {
	head []byte // the first bytes of the connection
	line []byte // the header line so far
	bulk int    // bytes to come of a bulk string, with its CRLF
}

// check returns an error if b, the bytes that come next, are no Redis protocol or
// more than may come.
func (g *guard) check(b []byte) error {
	if n := headLength - len(g.head); n > 0 {
		g.head = append(g.head, b[:min(n, len(b))]...)
	}
	if bytes.HasPrefix(g.head, tlsAlertStart) {
		return errTLSReply
	}
	for len(b) > 0 {
		if g.bulk > 0 {
			n := min(g.bulk, len(b))
			g.bulk -= n
			b = b[n:]
			continue
		}
		end := bytes.IndexByte(b, '\n')
		part := b
		if end >= 0 {
			part = b[:end+1]
		}
		b = b[len(part):]
		g.line = append(g.line, part...)
		if err := g.header(end >= 0); err != nil {
			return err
		}
	}
	return nil
}

// header returns an error if the line so far is none that may come. It starts a new
// line when this one is complete.
func (g *guard) header(complete bool) error {
	if len(g.line) > maxLine {
		return errTooLarge
	}
	kind := g.line[0]
	if kind == tlsAlertStart[0] && len(g.head) < len(tlsAlertStart) {
		return nil // the next byte will tell
	}
	if bytes.IndexByte([]byte("+-:$*_#,(!=%~|>"), kind) < 0 {
		return errNotRESP
	}
	if !complete {
		return nil
	}
	line := bytes.TrimRight(g.line[1:], "\r\n")
	g.line = g.line[:0]
	switch kind {
	case '$', '!', '=':
		n, err := length(line, maxBulk)
		if err != nil || n < 0 {
			return err
		}
		g.bulk = n + len("\r\n")
	case '*', '%', '~', '|', '>':
		_, err := length(line, maxArray)
		return err
	}
	return nil
}

// length returns the length that b gives, a header of a reply; -1 is RESP2's nil.
// More than limit is errTooLarge.
func length(b []byte, limit int) (int, error) {
	if string(b) == "-1" {
		return -1, nil
	}
	n, ok := integer[int](b, 0, math.MaxInt).Get()
	switch {
	case !ok && allDigits(b), n > limit:
		return 0, errTooLarge
	case !ok:
		return 0, errNotRESP
	}
	return n, nil
}

// allDigits reports whether b is digits and nothing else.
func allDigits(b []byte) bool {
	return len(b) > 0 && len(bytes.Trim(b, "0123456789")) == 0
}
