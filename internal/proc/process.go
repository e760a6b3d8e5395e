package proc

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ID is a process's identity: a pid is used again, a pid with a start time is not.
type ID struct {
	PID   int
	Start uint64 // ticks since boot
}

// Process is one process. It is held by a pidfd and by open files, all of which
// go on meaning this process when its pid is used again: reads then fail with
// ErrGone. Its methods may be called from several goroutines.
type Process struct {
	fs        FS
	id        ID
	permitted bool // this reader may read what only tracers may
	stat      int  // descriptor
	sched     int  // descriptor of schedstat, or -1: the kernel has none
	io        int  // descriptor, or -1: a zombie's can't be opened any more but by root
	end       *ending

	// life is held for reading while a descriptor is in use and for writing to
	// close them: a closed descriptor's number soon means another file.
	life   sync.RWMutex
	closed bool

	reading sync.Mutex // held while smaps is read; guards what follows
	smaps   int        // descriptor, opened at the first use; -1 before
	buf     []byte
}

// statLength is more than the longest stat: 52 numbers of at most 20 digits.
const statLength = 1536

// smapsBuffer is the size of the buffer that smaps is read into, in bytes. It has to
// hold the longest line.
const smapsBuffer = 16 << 10

// Open returns the process that has this pid now. The caller closes it.
func (fs FS) Open(pid int) (*Process, error) {
	pidfd, err := openPIDFD(pid)
	if err != nil {
		return nil, err
	}
	p, err := fs.openFiles(pid)
	if err != nil {
		pidfd.close()
		return nil, err
	}
	s, err := p.Stat()
	if err == nil && !pidfd.holds(pid) {
		err = ErrGone // and its pid may have been taken between the two opens
	}
	if err != nil {
		_ = p.closeFiles()
		pidfd.close()
		return nil, err
	}
	p.id.Start, p.permitted = s.Start, s.Permitted()
	p.end = newEnding(pidfd, p)
	return p, nil
}

// openFiles returns the process pid with the files that stay open, but without its
// identity.
func (fs FS) openFiles(pid int) (*Process, error) {
	stat, err := fs.open(pid, "stat")
	if err != nil {
		return nil, err
	}
	p := &Process{fs: fs, id: ID{PID: pid}, stat: stat, sched: -1, io: -1, smaps: -1}
	if sched, err := fs.open(pid, "schedstat"); err == nil {
		p.sched = sched
	}
	if io, err := fs.open(pid, "io"); err == nil {
		p.io = io
	}
	return p, nil
}

// ID returns the process's identity.
func (p *Process) ID() ID { return p.id }

// Permitted reports whether this reader may read what only tracers may: smaps, io and
// a zombie's wait status. It is false for what was a zombie already when opened.
func (p *Process) Permitted() bool { return p.permitted }

// Stat returns /proc/PID/stat: in 3 to 6 µs, without an allocation, whatever the
// memory.
func (p *Process) Stat() (Stat, error) {
	var s Stat
	var b [statLength]byte
	text, err := p.held(p.stat, "stat", b[:])
	if err != nil {
		return s, err
	}
	err = ParseStat(text, &s)
	return s, err
}

// held reads the file of the descriptor fd into b and returns what it has. It is a
// file that has been open for as long as the process is held, and is never empty
// while that is there. name is the file's, for errors.
func (p *Process) held(fd int, name string, b []byte) ([]byte, error) {
	p.life.RLock()
	defer p.life.RUnlock()
	switch {
	case p.closed:
		return nil, ErrGone
	case fd < 0:
		return nil, fmt.Errorf("%s: %w", name, ErrDenied)
	}
	n, err := pread(fd, b)
	if err != nil {
		return nil, Classify(name, err)
	}
	if n == 0 {
		return nil, ErrGone
	}
	return b[:n], nil
}

// Status returns /proc/PID/status: in 7 to 9 µs, whatever the memory.
func (p *Process) Status() (Status, error) {
	s, err := p.fs.Status(p.id.PID)
	if err != nil {
		return Status{}, err
	}
	if _, err := p.Stat(); err != nil {
		return Status{}, err
	}
	return s, nil
}

// read returns the content of the small file name, opened by its path, and makes sure
// that it was this process's.
func (p *Process) read(name string) ([]byte, error) {
	b, err := p.fs.read(p.id.PID, name)
	if err != nil {
		return nil, err
	}
	if _, err := p.Stat(); err != nil {
		return nil, err
	}
	return b, nil
}

// RunTime returns how long the process's main thread has run on a CPU, to the
// nanosecond. Anybody may read it, in 1 µs. It is 0 where the kernel does not tell:
// it takes CONFIG_SCHEDSTATS, which distributions have, or delay accounting.
func (p *Process) RunTime() (time.Duration, error) {
	if p.sched < 0 {
		return 0, nil
	}
	var b [64]byte
	text, err := p.held(p.sched, "schedstat", b[:])
	if err != nil {
		return 0, err
	}
	ran, _, ok := number(text)
	if !ok {
		return 0, fmt.Errorf("schedstat: %w", errNoNumber)
	}
	return time.Duration(ran), nil
}

// Title returns the command line as the process wants to be seen. A child copies its
// server's and sets its own a moment later; a zombie has none.
func (p *Process) Title() (string, error) {
	b, err := p.read("cmdline")
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(bytes.ReplaceAll(b, []byte{0}, []byte{' '}))), nil
}

// WrittenBytes returns how many bytes the process has caused to be written to storage
// so far. It needs the right to trace, and that the process lived when it was opened.
func (p *Process) WrittenBytes() (uint64, error) {
	var b [512]byte
	text, err := p.held(p.io, "io", b[:])
	if err != nil {
		return 0, err
	}
	_, after, ok := bytes.Cut(text, []byte("\nwrite_bytes: "))
	if !ok {
		return 0, fmt.Errorf("io: %w", ErrTruncated)
	}
	written, _, ok := number(after)
	if !ok {
		return 0, fmt.Errorf("io: %w", errNoNumber)
	}
	return written, nil
}

// ThreadNames returns the names of the process's threads. A fork has the name of the
// thread that forked, which need not be the main one.
func (p *Process) ThreadNames() ([]string, error) {
	dir := p.fs.path(p.id.PID, "task")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, Classify(dir, err)
	}
	var names []string
	for _, e := range entries {
		b, err := p.fs.read(p.id.PID, "task/"+e.Name()+"/comm")
		if err != nil {
			continue // ended meanwhile
		}
		names = append(names, strings.TrimSuffix(string(b), "\n"))
	}
	_, err = p.Stat()
	return names, err
}

// Executable returns the path of the process's program. It needs the right to trace.
func (p *Process) Executable() (string, error) {
	path := p.fs.path(p.id.PID, "exe")
	s, err := os.Readlink(path)
	if err != nil {
		return "", Classify(path, err)
	}
	_, err = p.Stat()
	return s, err
}

// BirthTime returns when the process was born, by the wall clock. The kernel notes it
// at the end of a fork's copying. The grain is 10 ms, rounded towards earlier.
func (p *Process) BirthTime() (time.Time, error) {
	a, err := age(p.id.Start)
	if err != nil {
		return time.Time{}, err
	}
	return time.Now().Add(-a), nil
}

// Smaps returns the sums of smaps_rollup, or of smaps before Linux 4.14. The cost
// grows with the resident pages (about 10 ms per GB), and while it is paid the
// process can't map memory. It needs the right to trace.
func (p *Process) Smaps() (Smaps, error) {
	p.reading.Lock()
	defer p.reading.Unlock()
	var s Smaps
	if p.isClosed() {
		return s, ErrGone
	}
	if p.smaps < 0 {
		fd, err := p.openSmaps()
		if err != nil {
			return s, err
		}
		p.smaps, p.buf = fd, make([]byte, smapsBuffer)
	}
	var parser smapsParser
	pieces, err := readLines(p.smaps, "smaps", p.buf, parser.line)
	if err != nil {
		return s, err
	}
	if pieces > 1 && !p.hasMemory() {
		return s, fmt.Errorf("smaps: %w", ErrGone)
	}
	err = parser.finish(&s)
	return s, err
}

// EachSmapsLine calls line with every line of the process's smaps, without its end,
// until one of the calls fails. It costs as much as Smaps, about 10 ms per GB
// resident, and the process can't map memory meanwhile. It needs the right to trace.
func (p *Process) EachSmapsLine(line func([]byte) error) error {
	fd, err := p.fs.open(p.id.PID, "smaps")
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if _, err := p.Stat(); err != nil { // another process may have the pid by now
		return err
	}
	pieces, err := readLines(fd, "smaps", make([]byte, smapsBuffer), line)
	if err == nil && (pieces == 0 || pieces > 1 && !p.hasMemory()) {
		err = fmt.Errorf("smaps: %w", ErrGone)
	}
	return err
}

// hasMemory reports whether the process is not yet on its way out. smaps comes in
// pieces, and between two of them the memory of an ending process goes: the kernel
// then says that the file is at its end, and the sum would be too small. smaps_rollup
// comes in one piece.
func (p *Process) hasMemory() bool {
	s, err := p.Stat()
	return err == nil && s.VirtualBytes > 0
}

// openSmaps returns a descriptor of smaps_rollup, or of smaps on kernels without
// that.
func (p *Process) openSmaps() (int, error) {
	fd, err := p.fs.open(p.id.PID, "smaps_rollup")
	if err == nil {
		return fd, p.stillMine(fd)
	}
	// Gone: the process, or the file on an old kernel.
	if _, alive := p.Stat(); alive != nil {
		return -1, err
	}
	if fd, err := p.fs.open(p.id.PID, "smaps"); err == nil {
		return fd, p.stillMine(fd)
	}
	return -1, err
}

// stillMine returns an error, and closes the descriptor fd, unless the file that was
// opened by its path is this process's.
func (p *Process) stillMine(fd int) error {
	if _, err := p.Stat(); err != nil {
		_ = unix.Close(fd)
		return err
	}
	return nil
}

// Close lets go of the process. Further reads fail with ErrGone.
func (p *Process) Close() error {
	p.life.Lock()
	if p.closed {
		p.life.Unlock()
		return nil
	}
	p.closed = true
	err := p.closeFiles()
	p.life.Unlock()
	p.end.close()
	p.reading.Lock() // a read of smaps that is under way comes to its end
	defer p.reading.Unlock()
	if p.smaps >= 0 {
		_ = unix.Close(p.smaps)
		p.smaps = -1
	}
	return err
}

func (p *Process) closeFiles() error {
	if p.sched >= 0 {
		_ = unix.Close(p.sched)
	}
	if p.io >= 0 {
		_ = unix.Close(p.io)
	}
	return unix.Close(p.stat)
}

func (p *Process) isClosed() bool {
	p.life.RLock()
	defer p.life.RUnlock()
	return p.closed
}

func pread(fd int, b []byte) (int, error) { return preadAt(fd, b, 0) }

// preadAt reads from the descriptor fd into b, beginning at the offset at, and
// returns how many bytes it has read.
func preadAt(fd int, b []byte, at int64) (int, error) {
	for {
		n, err := unix.Pread(fd, b, at)
		if err != unix.EINTR {
			return n, err
		}
	}
}
