package proc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/play"
)

const patience = 20 * time.Second

func TestMain(m *testing.M) {
	play.Main(map[string]func(arg string) int{
		"exit":   exitWhenTold,
		"fork":   forkOnAnotherThread,
		"look":   lookAt,
		"server": findTheServer,
	})
	goleak.VerifyTestMain(m)
}

// exitWhenTold exits with the status in arg once its input ends.
func exitWhenTold(arg string) int {
	play.Say("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	status, _ := strconv.Atoi(arg)
	return status
}

// forked is what forkOnAnotherThread tells.
type forked struct{ Thread, Child int }

// forkOnAnotherThread has a child that the main thread did not fork, until its
// input ends.
func forkOnAnotherThread(string) int {
	told := make(chan forked)
	go func() {
		runtime.LockOSThread() // for good: the thread that forked is the child's parent
		if unix.Gettid() == os.Getpid() {
			go func() {
				runtime.LockOSThread()
				told <- forkHere()
				select {}
			}()
			select {} // keep the main thread
		}
		told <- forkHere()
		select {}
	}()
	f := <-told
	play.Say(f)
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = unix.Kill(f.Child, unix.SIGKILL)
	return 0
}

func forkHere() forked {
	child, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "60"}, &syscall.ProcAttr{})
	if err != nil {
		panic(err)
	}
	return forked{unix.Gettid(), child}
}

// kernelTells tells whether PIDFD_GET_INFO has the exit status (Linux 6.15).
func kernelTells(t *testing.T) bool {
	t.Helper()
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		t.Fatal(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	return major > 6 || major == 6 && minor >= 15
}

func realFS(t testing.TB) FS {
	t.Helper()
	fs, err := NewFS("/proc")
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func open(t testing.TB, fs FS, pid int) *Process {
	t.Helper()
	p, err := fs.Open(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// within waits for c to be closed.
func within(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("not %s", what)
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func eventually(t *testing.T, ok func() bool, what string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}
