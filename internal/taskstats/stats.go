package taskstats

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

const nameSize = 32 // TS_COMM_LEN

// Stats is what this project needs of the kernel's struct taskstats, of one
// thread or of a whole process.
type Stats struct {
	name [nameSize]byte

	// Version of the kernel's struct, 13 or more.
	Version uint16
	// PID is the thread's id, in the PID namespace of who asked; 0 for a process.
	PID uint32
	// CopyCount is the number of pages copied, of 4 KiB wherever a page has that
	// size. Every thread's own count is modulo 2^32 (u32 in the kernel): use
	// CountDelta. It is 0 for threads that were started with accounting off.
	CopyCount uint64
	// CopyDelay is the elapsed time inside those copies, waiting included.
	CopyDelay time.Duration
	// MinorFaults of this one thread; absent for a process, where the kernel does
	// not fill them in.
	MinorFaults opt.Val[uint64]
}

// Name returns the thread's name; "" for a process.
func (s *Stats) Name() string {
	name, _, _ := bytes.Cut(s.name[:], []byte{0})
	return string(name)
}

// layout says where a version of struct taskstats has its fields, in bytes.
type layout struct{ name, pid, minorFaults, copyCount, copyDelay int }

// layoutOf returns where a struct of this version has its fields. It knows every
// version from 13 on, those to come included: the struct grows at its end. Version 15
// did not.
func layoutOf(version uint16) layout {
	if version == 15 {
		return layout{name: 128, pid: 176, minorFaults: 216, copyCount: 496, copyDelay: 504}
	}
	return layout{name: 80, pid: 128, minorFaults: 168, copyCount: 400, copyDelay: 408}
}

const firstVersion = 13 // the first with wpcopy_count, Linux 5.19

// Parse returns what b says, a struct taskstats in this machine's byte order, without
// an allocation. A struct that is too old or too short is ErrVersion.
func Parse(b []byte) (Stats, error) {
	if len(b) < 2 {
		return Stats{}, fmt.Errorf("%w: %d bytes are no struct taskstats", ErrVersion, len(b))
	}
	version := binary.NativeEndian.Uint16(b)
	if version < firstVersion {
		return Stats{}, fmt.Errorf("%w: struct version %d is older than %d, use Linux 5.19 or later", ErrVersion, version, firstVersion)
	}
	at := layoutOf(version)
	if need := at.copyDelay + 8; len(b) < need {
		return Stats{}, fmt.Errorf("%w: struct version %d has %d bytes instead of at least %d", ErrVersion, version, len(b), need)
	}
	s := Stats{
		Version:   version,
		PID:       binary.NativeEndian.Uint32(b[at.pid:]),
		CopyCount: binary.NativeEndian.Uint64(b[at.copyCount:]),
		CopyDelay: time.Duration(min(binary.NativeEndian.Uint64(b[at.copyDelay:]), math.MaxInt64)),
	}
	copy(s.name[:], b[at.name:])
	if s.PID != 0 { // else the kernel filled in no more than the delays
		s.MinorFaults = opt.Of(binary.NativeEndian.Uint64(b[at.minorFaults:]))
	}
	return s, nil
}

// CountDelta returns how many pages were copied between before and after, two values
// of CopyCount of the same thread or process. It goes on over the wrap of a thread's
// count at 2^32, and is 0 when the count went back: a sum over threads does, after a
// thread's end (see the package's comment). It knows no difference of 2^31 (8 TiB in
// pages of 4 KiB) or more.
func CountDelta(before, after uint64) uint64 {
	d := uint32(after) - uint32(before) // a sum of counts modulo 2^32 is one too
	if d > math.MaxInt32 {
		return 0
	}
	return uint64(d)
}
