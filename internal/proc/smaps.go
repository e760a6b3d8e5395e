package proc

import (
	"bytes"
	"errors"
	"fmt"
)

// Smaps are sums over a process's mappings, in bytes.
type Smaps struct {
	Rss           uint64
	PrivateClean  uint64
	PrivateDirty  uint64 // would be freed if the process died
	Anonymous     uint64
	LazyFree      uint64
	AnonHugePages uint64
	Swap          uint64
}

// smapsParser adds up smaps or smaps_rollup, which is read in pieces. It holds
// no line's bytes, and allocates nothing.
type smapsParser struct {
	sums     Smaps
	mappings int // headers seen
	whole    int // Locked lines seen: all sizes of a mapping stand before it, on every kernel
	err      error
}

// ParseSmaps adds up the whole of smaps or smaps_rollup. Nothing at all is
// ErrGone: a zombie has no memory, and reading its smaps gives 0 bytes and no
// error. Part of a mapping is ErrTruncated: a sum that is silently too small
// would be worse than none.
func ParseSmaps(b []byte, s *Smaps) error {
	var p smapsParser
	rest := p.lines(b)
	return p.finish(rest, s)
}

// lines takes all whole lines of b and returns the rest.
func (p *smapsParser) lines(b []byte) []byte {
	for p.err == nil {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		p.line(b[:i])
		b = b[i+1:]
	}
	return b
}

func (p *smapsParser) finish(rest []byte, s *Smaps) error {
	switch {
	case p.err != nil:
		return p.err
	case p.mappings == 0 && len(rest) == 0:
		return fmt.Errorf("smaps: %w", ErrGone)
	case p.mappings == 0 || p.whole != p.mappings || len(rest) > 0:
		return fmt.Errorf("smaps: %w", ErrTruncated)
	}
	*s = p.sums
	return nil
}

// line takes one line: the header of a mapping begins with an address, a
// field's line with a capital letter.
func (p *smapsParser) line(b []byte) {
	if len(b) == 0 {
		p.err = errors.New("smaps: an empty line")
		return
	}
	if c := b[0]; c >= '0' && c <= '9' || c >= 'a' && c <= 'f' {
		if p.whole != p.mappings {
			p.err = fmt.Errorf("smaps: %w inside a mapping", ErrTruncated)
		}
		p.mappings++
		return
	}
	field, value, ok := bytes.Cut(b, []byte{':'})
	if !ok {
		p.err = errors.New("smaps: a line without a colon")
		return
	}
	var sum *uint64
	switch string(field) { // compares without an allocation
	case "Rss":
		sum = &p.sums.Rss
	case "Private_Clean":
		sum = &p.sums.PrivateClean
	case "Private_Dirty":
		sum = &p.sums.PrivateDirty
	case "Anonymous":
		sum = &p.sums.Anonymous
	case "LazyFree":
		sum = &p.sums.LazyFree
	case "AnonHugePages":
		sum = &p.sums.AnonHugePages
	case "Swap":
		sum = &p.sums.Swap
	case "Locked":
		p.whole++
		return
	default:
		return
	}
	if p.whole == p.mappings {
		p.err = errors.New("smaps: a size outside of a mapping")
		return
	}
	n, rest, ok := number(bytes.TrimLeft(value, " "))
	if !ok || string(rest) != " kB" || n > 1<<53 {
		p.err = errors.New("smaps: a size is no number of kB")
		return
	}
	*sum += n << 10
}
