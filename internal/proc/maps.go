package proc

import (
	"bytes"
	"fmt"
)

// Mapping is a range of a process's memory that it may write to and that nobody
// else sees: the kind of mapping that copies on write.
type Mapping struct{ Start, End uint64 } // bytes; End is not in it

// ParseMaps returns the private writable mappings in b, the content of
// /proc/PID/maps. An empty b is ErrGone: a zombie has no mappings.
func ParseMaps(b []byte) ([]Mapping, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("maps: %w", ErrGone)
	}
	var out []Mapping
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			return nil, fmt.Errorf("maps: %w", ErrTruncated)
		}
		b = rest
		m, modes, err := parseMapping(line)
		if err != nil {
			return nil, err
		}
		if modes[1] == 'w' && modes[3] == 'p' {
			out = append(out, m)
		}
	}
	return out, nil
}

// parseMapping returns the range and the modes of line, which is "start-end rwxp
// offset device inode path".
func parseMapping(line []byte) (m Mapping, modes []byte, err error) {
	start, after, ok1 := hexNumber(line)
	end, after, ok2 := hexNumber(bytes.TrimPrefix(after, []byte("-")))
	modes, _, ok3 := bytes.Cut(bytes.TrimPrefix(after, []byte(" ")), []byte(" "))
	if !ok1 || !ok2 || !ok3 || len(modes) != 4 || end <= start {
		return m, nil, fmt.Errorf("maps: %q is no mapping", line)
	}
	return Mapping{start, end}, modes, nil
}

// hexNumber returns the number of the hexadecimal digits that b begins with, at most
// 16, and what follows them. ok is false without a digit.
func hexNumber(b []byte) (n uint64, rest []byte, ok bool) {
	i := 0
	for ; i < len(b) && i < 16; i++ {
		c := b[i]
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | uint64(c-'a'+10)
		default:
			return n, b[i:], i > 0
		}
	}
	return n, b[i:], i > 0
}
