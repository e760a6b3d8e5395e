package redisrun

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a started command with a process group of its own.
type process struct {
	pid  int
	dead chan struct{} // closed when the process and all of its group are gone
}

// startProcess starts cmd so that neither it nor its children can outlive the
// caller's process.
//
// The parent-death signal belongs to the OS thread that forked, and the Go runtime
// ends idle threads as it likes. So one goroutine locks itself to a thread, forks
// there and stays until the child is gone.
func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &process{dead: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		defer close(p.dead)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		// Leave the zombie in place until its group is killed: as long as it
		// is there no stranger can have its pid, nor a group of that number.
		for {
			err := unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
			if !errors.Is(err, unix.EINTR) {
				break
			}
		}
		p.killGroup()
		_ = cmd.Wait() // how it ended is no news: it was told to, or the log says why
		p.awaitGroup()
	}()
	if err := <-started; err != nil {
		<-p.dead
		return nil, err
	}
	return p, nil
}

// signal sends sig to the process alone, unless it is gone.
func (p *process) signal(sig syscall.Signal) {
	select {
	case <-p.dead:
	default:
		_ = syscall.Kill(p.pid, sig)
	}
}

// killGroup kills the process's children. An error of ESRCH would only say that there
// are none.
func (p *process) killGroup() { _ = syscall.Kill(-p.pid, syscall.SIGKILL) }

// awaitGroup returns when the killed children are gone, at the latest after a second.
func (p *process) awaitGroup() {
	for range 100 {
		if !groupAlive(p.pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// groupAlive reports whether a process of the group pgid runs. Zombies don't count:
// in a container whose first process reaps nobody they stay for ever, and kill(-pgid,
// 0) finds them.
func groupAlive(pgid int) bool {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || syscall.Kill(-pgid, 0) != nil {
		return false
	}
	for _, name := range stats {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // gone meanwhile
		}
		_, rest, _ := strings.Cut(string(b), ") ") // after comm: state ppid pgrp
		if f := strings.Fields(rest); len(f) > 2 && f[0] != "Z" && f[2] == strconv.Itoa(pgid) {
			return true
		}
	}
	return false
}

// alive reports whether the process still runs.
func (p *process) alive() bool {
	select {
	case <-p.dead:
		return false
	default:
		return true
	}
}

// descendant returns the first process from pid downwards whose comm is name,
// or pid itself when there is none.
func descendant(pid int, name string) int {
	for next := []int{pid}; len(next) > 0; next = next[1:] {
		dir := "/proc/" + strconv.Itoa(next[0])
		if comm, err := os.ReadFile(dir + "/comm"); err == nil && strings.TrimSpace(string(comm)) == name {
			return next[0]
		}
		children, err := os.ReadFile(dir + "/task/" + strconv.Itoa(next[0]) + "/children")
		if err != nil {
			continue
		}
		for f := range strings.FieldsSeq(string(children)) {
			if child, err := strconv.Atoi(f); err == nil {
				next = append(next, child)
			}
		}
	}
	return pid
}
