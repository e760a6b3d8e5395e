package fork

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Source names where a number was read.
type Source string

// The sources.
const (
	SourceInfo       Source = "info"        // the server's INFO
	SourceProcess    Source = "process"     // the server's process on this machine
	SourceChildSmaps Source = "child_smaps" // the child's smaps_rollup or smaps
	SourcePagemap    Source = "pagemap"     // a sample of the child's pages
	SourceCgroup     Source = "cgroup"      // the server's memory cgroup, if it holds nobody else
	SourceTaskstats  Source = "taskstats"   // the kernel's delay accounting of the server
	SourceCounters   Source = "counters"    // the server's minor faults and resident memory
)

// Point is one reading of a child's memory.
type Point struct {
	Seconds      float64 `json:"t"`             // since birth
	PrivateDirty uint64  `json:"private_dirty"` // bytes that only the child holds and that are dirty: what would be freed if it died
	Source       Source  `json:"source"`
	// Error is how far the reading may be off, in bytes, where it is not exact.
	Error opt.Val[uint64] `json:"error,omitzero"`
}

// PointsBySource says how many points each source has given, by the sources' names.
func PointsBySource(curve []Point) string {
	n := map[Source]int{}
	for _, p := range curve {
		n[p.Source]++
	}
	var said []string
	for _, source := range slices.Sorted(maps.Keys(n)) {
		said = append(said, fmt.Sprintf("%s %d", source, n[source]))
	}
	return strings.Join(said, ", ")
}

// CopiedPoint is one reading of what the kernel has copied since a fork's birth.
// It differs from the child's private dirty memory where the server frees
// memory (the child's without a copy) or the child gives memory back.
type CopiedPoint struct {
	Seconds float64 `json:"t"` // since birth
	Bytes   uint64  `json:"copied"`
	Source  Source  `json:"source"`
	// Error is how far the reading may be off, in bytes, where it is no count of copies.
	Error opt.Val[uint64] `json:"error,omitzero"`
}

// ExtraPoint is what server and child together held more than the server alone at
// the fork, and how much had been written by then.
type ExtraPoint struct {
	Seconds float64 `json:"t"`       // since birth
	Changes float64 `json:"changes"` // keys changed since birth; no whole number where it is interpolated
	Bytes   uint64  `json:"extra"`   // 0 where they held less
}

// Tail is what a fork still cost after its child's death: pages that are still
// write-protected cost one more fault each, without a copy.
type Tail struct {
	Seconds float64 `json:"seconds"`
	Faults  uint64  `json:"faults"` // of the server, first touches of new memory and copies taken out
	// Truncated says that the tail was given up after a minute, or cut off by the
	// next fork, before it had faded.
	Truncated bool `json:"truncated,omitempty"`
	// Left is how many bytes were still write-protected when the watch over the tail
	// ended: what server and child shared at the last reading, without a page for each
	// fault. Absent where that was not known, or may have been huge pages.
	Left opt.Val[uint64] `json:"left,omitzero"`
}

// Reported is one figure of the server's own about its running child.
type Reported struct {
	Seconds  float64 `json:"t"`         // since birth, when the child measured it (INFO's age is subtracted)
	COWBytes uint64  `json:"cow_bytes"` // current_cow_size
}

// Record is one fork of one server, from birth to death. It is the one record of
// which the metrics, the pages, the log line and the files are made; its JSON
// form is what /api/v1/forks serves. An absent value was not known and is left out.
type Record struct {
	ID        string    `json:"id"`     // birth in Unix milliseconds, "-", child's pid: unique on one machine, sorts by time
	Server    string    `json:"server"` // configured name
	Kind      Kind      `json:"kind"`
	Outcome   Outcome   `json:"outcome,omitempty"` // empty while the child lives
	Partial   bool      `json:"partial,omitempty"` // the child was there before it was first seen: the beginning is missing
	Start     time.Time `json:"start"`             // birth: the end of the stall (10 ms grain)
	ServerPID int       `json:"server_pid"`
	ChildPID  int       `json:"child_pid"`

	ExitStatus opt.Val[int]    `json:"exit_status,omitzero"` // of a child that exited
	Signal     opt.Val[string] `json:"signal,omitzero"`      // that ended the child, as "SIGKILL"

	StallSeconds    opt.Val[float64] `json:"stall_seconds,omitzero"` // fork(2) as the server timed it; absent when another fork overwrote it
	LifetimeSeconds opt.Val[float64] `json:"lifetime_seconds,omitzero"`
	ResidentBytes   opt.Val[uint64]  `json:"resident_bytes,omitzero"`   // of the server at the fork
	PageTableBytes  opt.Val[uint64]  `json:"page_table_bytes,omitzero"` // of the server at the fork

	Curve         []Point         `json:"curve"`                             // ascending in time
	PeakBytes     opt.Val[uint64] `json:"private_dirty_peak_bytes,omitzero"` // highest private dirty read
	SwapPeakBytes opt.Val[uint64] `json:"swap_peak_bytes,omitzero"`

	CopiedCurve      []CopiedPoint    `json:"copied_curve,omitempty"` // ascending in time; ends where it can't be known any more
	CopiedBytes      opt.Val[uint64]  `json:"copied_bytes,omitzero"`  // that the kernel copied for the server's writes until the child's death
	CopiedSource     Source           `json:"copied_source,omitempty"`
	CopyStallSeconds opt.Val[float64] `json:"copy_stall_seconds,omitzero"` // that the thread serving the clients spent in copies; KeyDB: all threads
	// EstimatedCopyStallSeconds is CopyStallSeconds without delay accounting: from
	// how the running time of the server's main thread rises with the pages copied. Absent
	// where memory was given back, chance says more than the copies, the fork began in the
	// tail of another, or the server may have huge pages.
	EstimatedCopyStallSeconds opt.Val[float64] `json:"estimated_copy_stall_seconds,omitzero"`
	CopyFaults                opt.Val[uint64]  `json:"copy_faults,omitzero"` // minor faults of the server beyond its growth, until the child's death
	Tail                      opt.Val[Tail]    `json:"tail,omitzero"`        // filled in when it has ended, up to a minute after the record

	// ExtraCurve is a short curve over writes, one point a second and one at the
	// death. Unlike private dirty memory it counts what the server grew by, and not
	// what it freed.
	ExtraCurve     []ExtraPoint    `json:"extra_curve,omitempty"`
	ExtraPeakBytes opt.Val[uint64] `json:"extra_peak_bytes,omitzero"` // highest read, also between two points of the curve
	ExtraSource    Source          `json:"extra_source,omitempty"`    // cgroup, or that of the child's private dirty memory
	// Changes is how many keys were changed while the child lived; no whole number, as
	// the server is asked once a second.
	Changes opt.Val[float64] `json:"changes,omitzero"`
	// AnonymousHugeBytes is what of the child's memory was huge pages when it was first read.
	AnonymousHugeBytes opt.Val[uint64] `json:"anonymous_huge_bytes,omitzero"`
	// CgroupLeftBytes and HostLeftBytes are the least that the memory cgroup's limit
	// and the host's memory left while the child lived, read once a second.
	CgroupLeftBytes opt.Val[uint64] `json:"cgroup_left_bytes,omitzero"`
	HostLeftBytes   opt.Val[uint64] `json:"host_left_bytes,omitzero"`

	Reported         []Reported      `json:"reported,omitempty"`          // the server's own points while the child lived
	ReportedCOWBytes opt.Val[uint64] `json:"reported_cow_bytes,omitzero"` // the server's own final figure (≤ 6.2 last, ≥ 7.0 peak); only after a clean exit

	CPUSeconds    opt.Val[float64] `json:"child_cpu_seconds,omitzero"`
	WrittenBytes  opt.Val[uint64]  `json:"child_written_bytes,omitzero"`     // write_bytes of /proc/PID/io: what the child caused to be written to storage
	ChangesBefore opt.Val[uint64]  `json:"changes_since_last_save,omitzero"` // keys changed since the last save, at the fork
}

// End is the child's death, or the zero time while it lives.
func (f *Record) End() time.Time {
	s, ok := f.LifetimeSeconds.Get()
	if !ok {
		return time.Time{}
	}
	return f.Start.Add(time.Duration(s * float64(time.Second)))
}

// Running reports whether the record is still open: how the child ended is not
// settled yet, nearly always because it lives.
func (f *Record) Running() bool { return f.Outcome == "" }

// ID names a fork: it sorts by time and is unique on one machine.
func ID(start time.Time, childPID int) string {
	return fmt.Sprintf("%d-%d", start.UnixMilli(), childPID)
}

// At returns the moment that is seconds after the birth.
func (f *Record) At(seconds float64) time.Time {
	return f.Start.Add(time.Duration(seconds * float64(time.Second)))
}

// WholePeak is the peak, if the readings reach far enough into the child's life
// for it to be the peak of all of it: growth after the last one was not seen.
func (f *Record) WholePeak() opt.Val[uint64] {
	life, ended := f.LifetimeSeconds.Get()
	if n := len(f.Curve); n > 0 && ended && missesEnd(life, f.Curve[n-1].Seconds) {
		return opt.Val[uint64]{}
	}
	return f.PeakBytes
}

// WholeExtraPeak is the peak, if the readings reach far enough into the child's
// life for it to be the peak of all of it.
func (f *Record) WholeExtraPeak() opt.Val[uint64] {
	life, ended := f.LifetimeSeconds.Get()
	if n := len(f.ExtraCurve); n > 0 && ended && missesEnd(life, f.ExtraCurve[n-1].Seconds) {
		return opt.Val[uint64]{}
	}
	return f.ExtraPeakBytes
}

// missesEnd tells whether a last reading came too long before a child's death.
func missesEnd(life, last float64) bool { return life-last > max(1.5, life/5) }
