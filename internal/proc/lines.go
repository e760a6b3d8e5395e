package proc

import (
	"bytes"
	"fmt"
)

// eachLine calls line with every whole line of b, without its end, until one of
// the calls fails. It returns what follows the last whole line.
func eachLine(b []byte, line func([]byte) error) (rest []byte, err error) {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return b, nil
		}
		if err := line(b[:i]); err != nil {
			return b, err
		}
		b = b[i+1:]
	}
}

// readLines reads the file of the descriptor fd from its beginning, piece by piece
// into buf, and calls line with every line, without its end. It returns how many
// pieces there were. A line longer than buf is an error, and a last line without
// an end is ErrTruncated. name is the file's, for errors.
func readLines(fd int, name string, buf []byte, line func([]byte) error) (pieces int, err error) {
	kept := 0
	for at := int64(0); ; pieces++ {
		n, err := preadAt(fd, buf[kept:], at)
		switch {
		case err != nil:
			return pieces, Classify(name, err)
		case n == 0 && kept > 0:
			return pieces, fmt.Errorf("%s: %w", name, ErrTruncated)
		case n == 0:
			return pieces, nil
		}
		at += int64(n)
		rest, err := eachLine(buf[:kept+n], line)
		if err != nil {
			return pieces, err
		}
		kept = copy(buf, rest)
		if kept == len(buf) {
			return pieces, fmt.Errorf("%s: a line of more than %d bytes", name, kept)
		}
	}
}
