package proc

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// The test binary plays other processes too: roleEnv says which, argEnv what with.
const (
	roleEnv = "PROC_TEST_ROLE"
	argEnv  = "PROC_TEST_ARG"
)

const nobody = 65534

const patience = 20 * time.Second

func TestMain(m *testing.M) {
	roles := map[string]func(arg string) int{
		"exit":   exitWhenTold,
		"fork":   forkOnAnotherThread,
		"look":   lookAt,
		"server": findTheServer,
	}
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(roles[role](os.Getenv(argEnv)))
	}
	goleak.VerifyTestMain(m)
}

// exitWhenTold exits with the status in arg once its input ends.
func exitWhenTold(arg string) int {
	say("ready")
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
	say(f)
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

// say writes a line of JSON.
func say(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.Write(append(b, '\n'))
}

// helper is a process that the test binary plays.
type helper struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
	done  bool
}

// play starts a helper; it ends with the test. uid 0 is our own.
func play(t *testing.T, role, arg string, uid int) *helper {
	t.Helper()
	// By this name another user may start it too, whatever the directory's mode is.
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleEnv+"="+role, argEnv+"="+arg, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	if uid != 0 {
		needRoot(t)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
		cmd.Dir = "/"
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := &helper{t: t, cmd: cmd, stdin: stdin, out: bufio.NewReader(stdout)}
	t.Cleanup(func() {
		_ = stdin.Close()
		if !h.done {
			_ = cmd.Process.Kill()
			h.reap()
		}
	})
	return h
}

func (h *helper) pid() int { return h.cmd.Process.Pid }

// finish lets it come to its end.
func (h *helper) finish() { _ = h.stdin.Close() }

// reap takes notice of its end; its status is not this caller's business.
func (h *helper) reap() {
	h.done = true
	_ = h.cmd.Wait()
}

// hear reads what it says next.
func (h *helper) hear(v any) {
	h.t.Helper()
	line, err := h.out.ReadBytes('\n')
	if err != nil {
		h.t.Fatalf("the helper said nothing more: %v", err)
	}
	if err := json.Unmarshal(line, v); err != nil {
		h.t.Fatalf("the helper said %q: %v", line, err)
	}
}

func (h *helper) ready() *helper {
	h.t.Helper()
	var s string
	h.hear(&s)
	return h
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
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
