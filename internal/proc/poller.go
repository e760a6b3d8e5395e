package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Births by the main thread are looked for at each tick. Other threads fork too
// (modules, KeyDB's workers), but rarely enough for a slower look; and a list of
// threads changes hardly ever.
const (
	otherThreadsEvery = 100 * time.Millisecond
	threadsEvery      = time.Second
	scanEvery         = 250 * time.Millisecond // without CONFIG_PROC_CHILDREN
)

// ChildPoller watches the children of any number of processes in one loop.
//
// A read of a children file costs under 1 µs; what costs is waking up. A Go
// ticker wakes up twice per tick, because the runtime waits in whole
// milliseconds and then for the rest; and each ordinary system call after an
// idle time wakes the runtime's monitor thread besides. So the loop waits for a
// timerfd, and reads by raw system calls, which never wait here for long.
// Measured at 10 ms with one process: 0.75 % of a core, 1.8 % with a ticker,
// 0.53 % in C.
type ChildPoller struct {
	interval time.Duration
	timer    *os.File

	mu      sync.Mutex // guards watched, and each of these
	watched []*watchedProcess
}

// NewChildPoller returns a poller that looks every interval once it runs.
func NewChildPoller(interval time.Duration) (*ChildPoller, error) {
	if interval <= 0 { // which would be a timer that never ticks
		return nil, fmt.Errorf("an interval of %s between two looks is not possible: it has to be above 0", interval)
	}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd: %w", err)
	}
	every := unix.NsecToTimespec(interval.Nanoseconds())
	if err := unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("timerfd: %w", err)
	}
	return &ChildPoller{interval: interval, timer: os.NewFile(uintptr(fd), "timerfd")}, nil
}

// Run looks for children until ctx ends, and returns the error of ctx. It can't be
// run again.
func (c *ChildPoller) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { c.timer.Close() })
	defer stop()
	defer c.timer.Close()
	conn, err := c.timer.SyscallConn()
	if err != nil {
		return fmt.Errorf("timerfd: %w", err)
	}
	var ticks uint64
	err = conn.Read(func(fd uintptr) bool {
		// One read takes all ticks so far, and a further one wakes us again.
		if _, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&ticks)), unsafe.Sizeof(ticks)); errno == 0 {
			c.poll(time.Now())
		}
		return false
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Watch calls notify with the pids of p's children: once before it returns, and from
// the poller's loop at each change. notify must not wait for anything, and must not
// keep pids. When p is gone, notify gets an empty list for the last time. stop ends
// the watch: no call of notify begins after it has returned.
func (c *ChildPoller) Watch(fs FS, p *Process, notify func(pids []int)) (stop func(), err error) {
	w := &watchedProcess{fs: fs, process: p, notify: notify}
	err = w.findThreads(time.Now())
	switch {
	case errors.Is(err, errNoChildren):
		return watchByScan(fs, p, notify), nil
	case err != nil:
		w.close()
		return nil, err
	}
	w.readAll()
	w.notify(w.children)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watched = append(c.watched, w)
	return func() { c.remove(w) }, nil
}

func (c *ChildPoller) remove(w *watchedProcess) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watched = slices.DeleteFunc(c.watched, func(o *watchedProcess) bool { return o == w })
	w.close()
}

func (c *ChildPoller) poll(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.watched {
		w.pollLocked(now)
	}
}

// errNoChildren reports that the kernel has no children files (CONFIG_PROC_CHILDREN).
var errNoChildren = errors.New("this kernel does not list children")

// watchedProcess is a process whose children are watched. The poller's lock guards
// it once it is among the watched ones; before that nobody else knows it.
type watchedProcess struct {
	fs      FS
	process *Process
	notify  func([]int)

	threads     []thread // the main thread first
	nextOthers  time.Time
	nextThreads time.Time
	children    []int
	gone        bool
}

// thread is one thread's list of children, as it was last read.
type thread struct {
	tid  int
	fd   int
	last []byte
}

// read reads the list anew into last and reports whether it has changed. buf is room
// for it.
func (t *thread) read(buf []byte) (changed bool, err error) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_PREAD64, uintptr(t.fd),
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0, 0)
	if errno != 0 {
		return false, errno
	}
	if bytes.Equal(t.last, buf[:n]) {
		return false, nil
	}
	t.last = append(t.last[:0], buf[:n]...)
	return true, nil
}

// pollLocked looks for children as far as it is time for that, at the time now, and
// calls notify if they have changed.
func (w *watchedProcess) pollLocked(now time.Time) {
	if w.gone || len(w.threads) == 0 {
		return
	}
	// Before the main thread's list is read: that is where the children of threads
	// go which have ended.
	relisted := !now.Before(w.nextThreads)
	if relisted {
		// Any other error (no descriptors left, no memory) passes, and the lists
		// that are open go on being read.
		if errors.Is(w.findThreads(now), ErrGone) {
			w.endLocked()
			return
		}
	}
	var buf [4 << 10]byte
	changed, err := w.threads[0].read(buf[:])
	if err != nil {
		if errors.Is(err, unix.ESRCH) {
			w.endLocked()
		}
		return
	}
	if changed || relisted || !now.Before(w.nextOthers) {
		w.nextOthers = now.Add(otherThreadsEvery)
		moved := false
		for i := 1; i < len(w.threads); i++ {
			c, err := w.threads[i].read(buf[:])
			if err != nil { // the thread has ended; its children are another's now
				w.nextThreads = now
			}
			changed, moved = changed || c, moved || c
		}
		if moved { // perhaps to the main thread, after its list was read
			_, _ = w.threads[0].read(buf[:])
		}
	}
	if changed || relisted { // a thread that ended takes the last list it had with it
		w.reportLocked()
	}
}

// readAll reads all lists for the first time.
func (w *watchedProcess) readAll() {
	var buf [4 << 10]byte
	for i := range w.threads {
		_, _ = w.threads[i].read(buf[:])
	}
	w.children = w.parse()
}

// parse returns the children in all lists, in ascending order.
func (w *watchedProcess) parse() []int {
	var pids []int
	for _, t := range w.threads {
		// What the kernel writes parses; what a fake procfs writes may not, and
		// then has no children.
		pids, _ = ParseChildren(pids, t.last)
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}

// reportLocked calls notify if the children have changed since the last call.
func (w *watchedProcess) reportLocked() {
	pids := w.parse()
	if slices.Equal(pids, w.children) {
		return
	}
	w.children = pids
	w.notify(pids)
}

// endLocked notes that the process is gone, and calls notify a last time.
func (w *watchedProcess) endLocked() {
	w.gone = true
	if len(w.children) > 0 {
		w.children = nil
		w.notify(nil)
	}
}

// findThreads opens the children files of threads that are new, and closes those of
// threads that have ended. It notes now as the time of this look.
func (w *watchedProcess) findThreads(now time.Time) error {
	w.nextThreads = now.Add(threadsEvery)
	pid := w.process.ID().PID
	tids, err := w.listThreads(pid)
	if err != nil {
		return err
	}
	w.threads = slices.DeleteFunc(w.threads, func(t thread) bool {
		if slices.Contains(tids, t.tid) {
			return false
		}
		_ = unix.Close(t.fd)
		return true
	})
	for _, tid := range tids {
		if slices.ContainsFunc(w.threads, func(t thread) bool { return t.tid == tid }) {
			continue
		}
		fd, err := w.fs.open(pid, fmt.Sprintf("task/%d/children", tid))
		if err != nil {
			if tid != pid {
				continue // ended meanwhile
			}
			if _, alive := w.process.Stat(); alive == nil && errors.Is(err, ErrGone) {
				return errNoChildren
			}
			return err
		}
		w.threads = append(w.threads, thread{tid: tid, fd: fd})
	}
	// The files were opened by their paths: make sure that they are this process's.
	_, err = w.process.Stat()
	return err
}

// listThreads returns the threads of the process pid, the main one first.
func (w *watchedProcess) listThreads(pid int) ([]int, error) {
	dir := w.fs.path(pid, "task")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, Classify(dir, err)
	}
	tids := []int{pid}
	for _, e := range entries {
		if tid, err := whole([]byte(e.Name())); err == nil && tid != pid {
			tids = append(tids, tid)
		}
	}
	return tids, nil
}

func (w *watchedProcess) close() {
	for _, t := range w.threads {
		_ = unix.Close(t.fd)
	}
	w.threads = nil
}
