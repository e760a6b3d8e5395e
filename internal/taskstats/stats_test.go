package taskstats

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// synthetic is a struct taskstats as a kernel of that version lays it out, with
// noise wherever no field of ours is.
func synthetic(version uint16, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = 0xEE
	}
	name, pid, faults, count := 80, 128, 168, 400
	if version == 15 { // three pairs of maximum and minimum before the name, six before the count
		name, pid, faults, count = 128, 176, 216, 496
	}
	order := binary.NativeEndian
	order.PutUint16(b, version)
	copy(b[name:], "redis-server\x00")
	order.PutUint32(b[pid:], 4711)
	order.PutUint64(b[faults:], 1234)
	if len(b) >= count+16 {
		order.PutUint64(b[count:], 346_883)
		order.PutUint64(b[count+8:], 1_520_000_000)
	}
	return b
}

func TestParseVersions(t *testing.T) {
	for _, tt := range []struct {
		what    string
		version uint16
		size    int
	}{
		{"13, Linux 5.19", 13, 416},
		{"14, Linux 6.4", 14, 432},
		{"15, Linux 6.14.0", 15, 560},
		{"16, Linux 6.15", 16, 560},
		{"17 with soft interrupts, proposed", 17, 592},
		{"17 with times of the maxima, proposed", 17, 688},
		{"one to come", 40, 4000},
	} {
		t.Run(tt.what, func(t *testing.T) {
			s, err := Parse(synthetic(tt.version, tt.size))
			if err != nil {
				t.Fatal(err)
			}
			if s.Version != tt.version || s.PID != 4711 || s.Name() != "redis-server" || s.MinorFaults != opt.Of[uint64](1234) ||
				s.CopyCount != 346_883 || s.CopyDelay != 1520*time.Millisecond {
				t.Errorf("got %+v, named %q", s, s.Name())
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		what string
		b    []byte
	}{
		{"nothing", nil},
		{"half a version", []byte{13}},
		{"version 12, Linux 5.16", synthetic(12, 400)},
		{"version 12, however long", synthetic(12, 560)},
		{"version 0", synthetic(0, 560)},
		{"version 13 cut short", synthetic(13, 415)},
		{"version 15 with the length of 14", synthetic(15, 432)},
		{"version 15 cut short", synthetic(15, 511)},
		{"version 16 cut short", synthetic(16, 415)},
	} {
		t.Run(tt.what, func(t *testing.T) {
			s, err := Parse(tt.b)
			if !errors.Is(err, ErrVersion) {
				t.Errorf("error %v, want ErrVersion", err)
			}
			if s != (Stats{}) {
				t.Errorf("an error with figures: %+v", s)
			}
		})
	}
}

func TestParseOfAProcess(t *testing.T) {
	// The kernel fills in the delays only.
	b := make([]byte, 560)
	binary.NativeEndian.PutUint16(b, 16)
	binary.NativeEndian.PutUint64(b[400:], 7)
	s, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if s.CopyCount != 7 || s.Name() != "" || s.PID != 0 || s.MinorFaults.Present() {
		t.Errorf("got %+v, named %q", s, s.Name())
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	b := synthetic(16, 560)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := Parse(b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	for version := uint16(12); version <= 17; version++ {
		f.Add(synthetic(version, 560))
		f.Add(synthetic(version, 416))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrVersion) || s != (Stats{}) {
				t.Fatalf("%+v, %v", s, err)
			}
			return
		}
		if s.Version < 13 || s.CopyDelay < 0 || len(s.Name()) > nameSize || s.MinorFaults.Present() != (s.PID != 0) {
			t.Fatalf("%+v", s)
		}
		if longer, err := Parse(append(slices.Clip(b), 1, 2, 3)); err != nil || longer != s {
			t.Fatalf("bytes at the end changed %+v to %+v, %v", s, longer, err)
		}
	})
}

func TestCountDelta(t *testing.T) {
	const wrap = 1 << 32
	for _, tt := range []struct {
		what                string
		before, after, want uint64
	}{
		{"none", 5, 5, 0},
		{"some", 5, 12, 7},
		{"over a thread's wrap", wrap - 2, 3, 5},
		{"a sum beyond 32 bits", 3*wrap + 1, 3*wrap + 10, 9},
		{"a sum, one of whose threads wraps", 3*wrap + 1, 2*wrap + 10, 9},
		{"most", 0, math.MaxInt32, math.MaxInt32},
		{"back, when a thread has ended", 1000, 900, 0},
		{"back, beyond 32 bits", 3*wrap + 10, 3*wrap + 9, 0},
	} {
		if got := CountDelta(tt.before, tt.after); got != tt.want {
			t.Errorf("%s: CountDelta(%d, %d) = %d, want %d", tt.what, tt.before, tt.after, got, tt.want)
		}
	}
}
