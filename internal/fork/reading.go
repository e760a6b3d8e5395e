package fork

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Readings are what one look at a child has brought. A value is absent where it is
// not known.
type Readings struct {
	Private  opt.Val[Sample]
	Copies   opt.Val[Copies]
	Extra    opt.Val[Extra]
	Reads    []Read   // that were taken, whether they worked or not
	Deferred []Source // sources whose reading was put off to stay within the budget
}

// Read is one reading of a source.
type Read struct {
	Source Source
	Cost   time.Duration // CPU time
	Err    error         // nil: it worked
	// Reason is ReasonDenied or ReasonFailed where there is an Err that is not the
	// end of the server or its child.
	Reason string
}

// The reasons of failed readings.
const (
	ReasonDenied = "denied"
	ReasonFailed = "failed"
)

// Sample is one reading of a child's memory, in bytes.
type Sample struct {
	Time         time.Time
	Source       Source
	PrivateDirty uint64
	Swap         opt.Val[uint64]
	// AnonymousHuge is known from smaps, or to be 0 where there can be none; absent before.
	AnonymousHuge opt.Val[uint64]
	Error         opt.Val[uint64] // how far PrivateDirty may be off, where it is not exact
}

// Copies is what is known of a fork's copies so far. An absent value can't be
// known, or not any more.
type Copies struct {
	Time   time.Time
	Bytes  opt.Val[uint64]
	Source Source          // of Bytes
	Error  opt.Val[uint64] // how far Bytes may be off, where they are no count
	Stall  opt.Val[float64]
	Faults opt.Val[uint64]
}

// Extra is a reading of what server and child hold more than the server held
// before the birth.
type Extra struct {
	Time   time.Time
	Bytes  uint64
	Source Source
}
