package proc

import (
	"bytes"
	"errors"
	"fmt"
)

// Smaps are sums over a process's mappings, in bytes, as the fields of smaps with
// these names have them.
type Smaps struct {
	Rss           uint64
	PrivateClean  uint64
	PrivateDirty  uint64 // would be freed if the process died
	Anonymous     uint64
	LazyFree      uint64
	AnonHugePages uint64
	Swap          uint64
}

// smapsParser adds up the lines of smaps or smaps_rollup. It keeps no line's
// bytes, and allocates nothing.
type smapsParser struct {
	sums     Smaps
	mappings int // headers seen
	whole    int // Locked lines seen: all sizes of a mapping stand before it, on every kernel
}

// ParseSmaps adds up b, the whole of smaps or smaps_rollup, into s. An empty b is
// ErrGone: a zombie has no memory, and reading its smaps gives 0 bytes and no
// error. Part of a mapping is ErrTruncated: a sum that is silently too small
// would be worse than none.
func ParseSmaps(b []byte, s *Smaps) error {
	var p smapsParser
	rest, err := eachLine(b, p.line)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("smaps: %w", ErrTruncated)
	}
	return p.finish(s)
}

// finish stores the sums in s, if the lines so far were whole mappings.
func (p *smapsParser) finish(s *Smaps) error {
	switch {
	case p.mappings == 0:
		return fmt.Errorf("smaps: %w", ErrGone)
	case p.whole != p.mappings:
		return fmt.Errorf("smaps: %w", ErrTruncated)
	}
	*s = p.sums
	return nil
}

// line adds the line b: the header of a mapping begins with an address, a field's
// line with a capital letter.
func (p *smapsParser) line(b []byte) error {
	if len(b) == 0 {
		return errors.New("smaps: an empty line")
	}
	if c := b[0]; c >= '0' && c <= '9' || c >= 'a' && c <= 'f' {
		if p.whole != p.mappings {
			return fmt.Errorf("smaps: %w inside a mapping", ErrTruncated)
		}
		p.mappings++
		return nil
	}
	field, value, ok := bytes.Cut(b, []byte{':'})
	if !ok {
		return errors.New("smaps: a line without a colon")
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
		return nil
	default:
		return nil
	}
	if p.whole == p.mappings {
		return errors.New("smaps: a size outside of a mapping")
	}
	n, rest, ok := number(bytes.TrimLeft(value, " "))
	if !ok || string(rest) != " kB" || n > 1<<53 {
		return errors.New("smaps: a size is no number of kB")
	}
	*sum += n << 10
	return nil
}
