package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Accounted is what of a process's memory the kernel accounts for, in bytes: what
// it checks, mapping by mapping, when the process forks. A mapping is accounted if
// it is private, was ever writable, and was not made with MAP_NORESERVE; outside of
// overcommit mode 2, where that flag counts for nothing.
type Accounted struct {
	Bytes   uint64
	Largest uint64 // the largest single mapping
}

// Accounted reads the process's smaps, the only file that tells. It costs as much
// as Smaps, about 10 ms per GB resident, and the process can't map memory
// meanwhile: read it rarely, and never while a child lives. It needs the right to
// trace.
func (p *Process) Accounted() (Accounted, error) {
	path := p.fs.path(p.id.PID, "smaps")
	f, err := os.Open(path)
	if err != nil {
		return Accounted{}, classify(path, err)
	}
	defer f.Close()
	if _, err := p.Stat(); err != nil { // another process may have the pid by now
		return Accounted{}, err
	}
	return parseAccounted(f)
}

// parseAccounted reads smaps.
func parseAccounted(r io.Reader) (Accounted, error) {
	var a accountedParser
	if err := a.read(r); err != nil {
		return Accounted{}, err
	}
	return a.result()
}

// accountedParser takes smaps in pieces.
type accountedParser struct {
	sums     Accounted
	size     uint64 // of the mapping under way
	mappings int
	flagged  int // that had a line VmFlags
}

func (a *accountedParser) read(r io.Reader) error {
	buf := make([]byte, 16<<10)
	kept := 0
	for {
		n, err := r.Read(buf[kept:])
		b := buf[:kept+n]
		for {
			i := bytes.IndexByte(b, '\n')
			if i < 0 {
				break
			}
			if err := a.line(b[:i]); err != nil {
				return err
			}
			b = b[i+1:]
		}
		kept = copy(buf, b)
		switch {
		case errors.Is(err, io.EOF) && kept > 0:
			return fmt.Errorf("smaps: %w", ErrTruncated)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return classify("smaps", err)
		case kept == len(buf):
			return fmt.Errorf("smaps: a line of more than %d bytes", kept)
		}
	}
}

func (a *accountedParser) line(b []byte) error {
	if flags, ok := bytes.CutPrefix(b, []byte("VmFlags:")); ok {
		a.flagged++
		// A mapping with dc is not copied by a fork.
		if hasFlag(flags, "ac") && !hasFlag(flags, "dc") {
			a.sums.Bytes += a.size
			a.sums.Largest = max(a.sums.Largest, a.size)
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
	a.size = last - first
	a.mappings++
	return nil
}

func (a *accountedParser) result() (Accounted, error) {
	switch {
	case a.mappings == 0:
		return Accounted{}, fmt.Errorf("smaps: %w", ErrGone)
	case a.flagged != a.mappings: // before Linux 3.8, or cut short
		return Accounted{}, fmt.Errorf("smaps: %d of %d mappings have flags", a.flagged, a.mappings)
	}
	return a.sums, nil
}

func hasFlag(flags []byte, want string) bool {
	for f := range bytes.FieldsSeq(flags) {
		if string(f) == want {
			return true
		}
	}
	return false
}
