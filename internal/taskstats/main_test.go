package taskstats

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/play"
)

const patience = 20 * time.Second

func TestMain(m *testing.M) {
	play.Main(map[string]func(string) int{"write": write, "ask": askAsWhoIAm})
	goleak.VerifyTestMain(m)
}

// order is what the writing helper is told: to have so many pages copied, on its
// main thread or on another one, which ends then or stays.
type order struct {
	Pages      int
	Main, Ends bool
}

// write carries out orders until its input ends. It answers each with the id of the
// thread that did it.
func write(string) int {
	in := json.NewDecoder(os.Stdin)
	for {
		var o order
		if err := in.Decode(&o); err != nil {
			return 0
		}
		done := make(chan int)
		go onThread(o.Main, func() {
			copyPages(o.Pages)
			done <- unix.Gettid()
			if !o.Ends && !o.Main {
				select {} // keep the thread
			}
		})
		play.Say(<-done)
	}
}

// onThread calls f on the main thread or on another one, which ends with it.
func onThread(main bool, f func()) {
	runtime.LockOSThread()
	if (unix.Gettid() == unix.Getpid()) == main {
		f()
		if main {
			runtime.UnlockOSThread()
		}
		return
	}
	done := make(chan struct{})
	go func() { // this thread stays taken meanwhile, so that one is another
		defer close(done)
		onThread(main, f)
	}()
	<-done
	runtime.UnlockOSThread()
}

// copyPages has the kernel copy n pages. It needs no fork for that: reading a
// page of a private mapping of a file maps the file's page, and writing to it
// then is a copy. (Not of the zero page: there are kernels that map none.)
func copyPages(n int) {
	size := n * os.Getpagesize()
	file, err := unix.MemfdCreate("pages", unix.MFD_CLOEXEC)
	if err != nil {
		panic(err)
	}
	defer unix.Close(file) // the mapping keeps it
	if err := unix.Ftruncate(file, int64(size)); err != nil {
		panic(err)
	}
	b, err := unix.Mmap(file, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	_ = unix.Madvise(b, unix.MADV_NOHUGEPAGE) // fails where there are no huge pages
	sum := byte(0)
	for i := 0; i < size; i += os.Getpagesize() {
		sum += b[i]
	}
	for i := 0; i < size; i += os.Getpagesize() {
		b[i] = sum + 1
	}
	if err := unix.Munmap(b); err != nil {
		panic(err)
	}
}

// askAsWhoIAm says what New has to say.
func askAsWhoIAm(string) int {
	c, err := New()
	if err != nil {
		play.Say(said{Err: err.Error(), Denied: errors.Is(err, ErrDenied)})
		return 0
	}
	play.Say(said{})
	_ = c.Close()
	return 0
}

type said struct {
	Err    string
	Denied bool
}

// copies has a process in the role "write" copy pages, and returns the id of the
// thread that did.
func copies(h *play.Process, o order) (tid int) {
	h.Tell(o)
	h.Hear(&tid)
	return tid
}

// zombie returns when the process has ended, without reaping it.
func zombie(t *testing.T, pid int) {
	t.Helper()
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err == nil {
			return
		}
		if !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
	}
}

func eventually(t *testing.T, ok func() bool, what string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// accountingSwitch is kernel.task_delayacct, the whole machine's, in the hands of
// one test.
type accountingSwitch struct {
	t    *testing.T
	file *os.File
}

// takeSwitch waits until no other process's test has the switch, and gives it
// back as it was found.
func takeSwitch(t *testing.T) accountingSwitch {
	t.Helper()
	file, err := os.OpenFile("/proc/sys/kernel/task_delayacct", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("the sysctl kernel.task_delayacct can't be set: %v", err)
	}
	s := accountingSwitch{t, file}
	t.Cleanup(func() { _ = file.Close() }) // and with it the lock
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	was := s.on()
	t.Cleanup(func() { s.set(was) })
	s.set(was) // to see whether we may
	return s
}

func (s accountingSwitch) set(on bool) {
	s.t.Helper()
	text := "0"
	if on {
		text = "1"
	}
	if _, err := s.file.WriteAt([]byte(text), 0); err != nil {
		s.t.Skipf("the sysctl kernel.task_delayacct can't be set: %v", err)
	}
}

func (s accountingSwitch) on() bool {
	s.t.Helper()
	on, err := limits.NewFS("/proc", "/sys").DelayAccounting()
	if err != nil {
		s.t.Fatal(err)
	}
	return on
}

// still skips the test if somebody who doesn't know of the lock has turned the switch.
func (s accountingSwitch) still(on bool) {
	s.t.Helper()
	if s.on() != on {
		s.t.Skip("somebody else turned kernel.task_delayacct meanwhile")
	}
}

// dial returns a client, where this user may have one.
func dial(t testing.TB) *Client {
	t.Helper()
	c, err := New()
	if errors.Is(err, ErrDenied) || errors.Is(err, ErrUnsupported) || errors.Is(err, ErrVersion) {
		t.Skipf("no taskstats for this user or of this kernel: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return c
}

func ask(t *testing.T, get func(int) (Stats, error), id int) Stats {
	t.Helper()
	s, err := get(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// near tells whether n pages were copied, and little else.
func near(t *testing.T, what string, before, after Stats, n int) {
	t.Helper()
	const runtimes = 1024 // the Go runtime writes pages of its own
	got := CountDelta(before.CopyCount, after.CopyCount)
	t.Logf("%s: %d copies for %d pages, %v each", what, got, n, perCopy(after.CopyDelay-before.CopyDelay, got))
	if got < uint64(n) || got > uint64(n+runtimes) {
		t.Errorf("%s: %d copies, want %d or a few more", what, got, n)
	}
}

func perCopy(d time.Duration, n uint64) time.Duration {
	if n == 0 {
		return 0
	}
	return d / time.Duration(n)
}
