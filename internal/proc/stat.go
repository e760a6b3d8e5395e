package proc

import (
	"bytes"
	"errors"
	"fmt"
)

// TicksPerSecond is the unit of times in stat: USER_HZ, which is 100 on every
// Linux that matters here.
const TicksPerSecond = 100

const commLength = 15 // TASK_COMM_LEN without its final NUL

// Stat is what this project needs of /proc/PID/stat. The memory of a zombie is
// gone already: its sizes are 0.
type Stat struct {
	comm    [commLength + 1]byte
	commLen int

	PID         int
	State       byte // R S D T Z X …
	PPID        int
	MinorFaults uint64 // of all threads, the ended ones too
	UserTicks   uint64
	SystemTicks uint64
	Threads     int
	Start       uint64 // ticks since boot
	// VirtualBytes is the size of the address space: a fork has its parent's.
	VirtualBytes  uint64
	ResidentPages uint64
	// StartCode is the address of the program; readers without the right to
	// trace the process see 1, kernel threads and zombies have 0.
	StartCode uint64
	// ExitCode is a zombie's wait status. Readers without the right to trace the
	// process see 0, which looks like success: believe it only where Permitted
	// was true while the process lived.
	ExitCode int
}

// Name returns the first 15 bytes of the program's name. It stays through a fork and
// changes with exec.
func (s *Stat) Name() string { return string(s.comm[:s.commLen]) }

// SameName reports whether s and o have one name, without an allocation.
func (s *Stat) SameName(o *Stat) bool { return s.comm == o.comm && s.commLen == o.commLen }

// Permitted reports whether the reader has the right to trace the process, which is
// the right to read its smaps too. It is false for a zombie, whoever reads.
func (s *Stat) Permitted() bool { return s.StartCode > 1 }

// Zombie reports whether the process has ended and waits to be reaped.
func (s *Stat) Zombie() bool { return s.State == 'Z' || s.State == 'X' }

// ParseStat parses b, the content of /proc/PID/stat, into s, without an allocation. A
// content that ends too soon is ErrTruncated.
func ParseStat(b []byte, s *Stat) error {
	*s = Stat{}
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')') // the name may hold both
	if open < 0 || end < open || len(b) == 0 || b[len(b)-1] != '\n' {
		return fmt.Errorf("stat: %w", ErrTruncated)
	}
	pid, rest, ok := number(b)
	if !ok || len(rest) == 0 || rest[0] != ' ' {
		return errors.New("stat: no pid")
	}
	s.PID = int(pid)
	s.commLen = copy(s.comm[:commLength], b[open+1:end])
	rest = b[end+1:]
	field := 2
	for len(rest) > 1 {
		if rest[0] != ' ' {
			return fmt.Errorf("stat: field %d is followed by %q", field, rest[0])
		}
		rest = rest[1:]
		field++
		if field == 3 {
			s.State, rest = rest[0], rest[1:]
			continue
		}
		negative := rest[0] == '-'
		if negative {
			rest = rest[1:]
		}
		var n uint64
		if n, rest, ok = number(rest); !ok {
			return fmt.Errorf("stat: field %d is no number", field)
		}
		if negative {
			n = -n
		}
		s.set(field, n)
	}
	if field < 52 { // exit_code, since Linux 3.5
		return fmt.Errorf("stat: %w after field %d", ErrTruncated, field)
	}
	return nil
}

// set stores n, the value of the numbered field; proc(5) has the numbers.
func (s *Stat) set(field int, n uint64) {
	switch field {
	case 4:
		s.PPID = int(n)
	case 10:
		s.MinorFaults = n
	case 14:
		s.UserTicks = n
	case 15:
		s.SystemTicks = n
	case 20:
		s.Threads = int(n)
	case 22:
		s.Start = n
	case 23:
		s.VirtualBytes = n
	case 24:
		s.ResidentPages = n
	case 26:
		s.StartCode = n
	case 52:
		s.ExitCode = int(n)
	}
}
