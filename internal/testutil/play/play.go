// Package play lets a test binary play other processes: the same program runs
// again in a role that its TestMain gives to Main.
package play

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
)

// Nobody is a user other than root, and a group.
const Nobody = 65534

// The environment of a process that plays says which role, and what with.
const (
	roleEnv = "REDIS_FORK_EXPORTER_TEST_ROLE"
	argEnv  = "REDIS_FORK_EXPORTER_TEST_ARG"
)

// Main plays the one of roles that this process was started in, and exits with the
// status that the role returns. It returns at once in a process that plays none.
// TestMain calls it first.
func Main(roles map[string]func(arg string) (status int)) {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(roles[role](os.Getenv(argEnv)))
	}
}

// Say writes v as a line of JSON, for Process.Hear.
func Say(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.Write(append(b, '\n'))
}

// Process is a process that plays a role.
type Process struct {
	t     testing.TB
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
	done  bool
}

// Start returns a new process that plays role with the argument arg, and ends with t.
// It runs as the user and group uid, where 0 is our own. Only root can start one of
// another user; else t is skipped.
func Start(t testing.TB, role, arg string, uid int) *Process {
	t.Helper()
	// By this name another user may start it too, whatever the directory's mode is.
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleEnv+"="+role, argEnv+"="+arg, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	if uid != 0 {
		testutil.Root(t)
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
	p := &Process{t: t, cmd: cmd, stdin: stdin, out: bufio.NewReader(stdout)}
	t.Cleanup(func() {
		p.Finish()
		if !p.done {
			p.Kill()
			p.Reap()
		}
	})
	return p
}

// PID returns the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Tell writes v as JSON to the process's standard input.
func (p *Process) Tell(v any) {
	p.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.stdin.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// Hear reads into v what the process says next.
func (p *Process) Hear(v any) {
	p.t.Helper()
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("the process said nothing more: %v", err)
	}
	if err := json.Unmarshal(line, v); err != nil {
		p.t.Fatalf("the process said %q: %v", line, err)
	}
}

// Ready returns the process once it has said something.
func (p *Process) Ready() *Process {
	p.t.Helper()
	var s string
	p.Hear(&s)
	return p
}

// Finish ends the process's standard input: a role comes to its end then.
func (p *Process) Finish() { _ = p.stdin.Close() }

// Kill kills the process, if it has not ended.
func (p *Process) Kill() { _ = p.cmd.Process.Kill() }

// Reap waits for the process's end and takes notice of it. Its status does not matter
// here.
func (p *Process) Reap() {
	p.done = true
	_ = p.cmd.Wait()
}
