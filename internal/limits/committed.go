package limits

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// Committed is what of a server's memory a fork has to commit, in bytes: what the
// kernel checks, mapping by mapping, when the process forks. That is a mapping
// which is private, was ever writable, and was not made with MAP_NORESERVE; outside
// of overcommit mode 2, where that flag counts for nothing. jemalloc from 5 maps
// its heap with MAP_NORESERVE if the server started in mode 0 or 1.
type Committed struct {
	Bytes   uint64 // all of it
	Largest uint64 // the largest single mapping
	// AtMost says that the figures are upper bounds, from all of the address space:
	// enough to say that a fork will not be refused, not that it will.
	AtMost bool
}

// ReadCommitted returns what a fork of the process p has to commit. smaps is the
// only file that tells. Reading it costs about 10 ms per GB resident, and the
// process can't map memory meanwhile: read it rarely, and never while a child lives.
// *proc.Process is a p.
func ReadCommitted(p interface {
	EachSmapsLine(line func([]byte) error) error
},
) (Committed, error) {
	var parser committedParser
	if err := p.EachSmapsLine(parser.line); err != nil {
		return Committed{}, err
	}
	return parser.result()
}

// committedParser takes the lines of smaps.
type committedParser struct {
	sums     Committed
	size     uint64 // of the mapping under way
	mappings int
	flagged  int // mappings that had a line VmFlags
}

// line adds b, one line of smaps without its end, to the sums.
func (p *committedParser) line(b []byte) error {
	if flags, ok := bytes.CutPrefix(b, []byte("VmFlags:")); ok {
		p.flagged++
		// A mapping with dc is not copied by a fork.
		if hasFlag(flags, "ac") && !hasFlag(flags, "dc") {
			p.sums.Bytes += p.size
			p.sums.Largest = max(p.sums.Largest, p.size)
		}
		return nil
	}
	if len(b) == 0 || b[0] >= 'A' && b[0] <= 'Z' {
		return nil
	}
	span, _, _ := bytes.Cut(b, []byte(" "))
	from, to, ok := bytes.Cut(span, []byte("-"))
	first, err1 := strconv.ParseUint(string(from), 16, 64)
	last, err2 := strconv.ParseUint(string(to), 16, 64)
	if !ok || err1 != nil || err2 != nil || last < first {
		return errors.New("smaps: a mapping without its addresses")
	}
	p.size = last - first
	p.mappings++
	return nil
}

// result returns the sums, if every mapping so far had its flags.
func (p *committedParser) result() (Committed, error) {
	switch {
	case p.mappings == 0:
		return Committed{}, fmt.Errorf("smaps: %w", proc.ErrGone)
	case p.flagged != p.mappings: // before Linux 3.8, or cut short
		return Committed{}, fmt.Errorf("smaps: %d of %d mappings have flags", p.flagged, p.mappings)
	}
	return p.sums, nil
}

// hasFlag reports whether want is one of the words of flags.
func hasFlag(flags []byte, want string) bool {
	for f := range bytes.FieldsSeq(flags) {
		if string(f) == want {
			return true
		}
	}
	return false
}
