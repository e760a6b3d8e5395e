package rig

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// stopWait is the time from SIGTERM to SIGKILL.
const stopWait = 5 * time.Second

// Process is a started command.
type Process struct{ cmd *exec.Cmd }

// Start starts command with its output going to out, which may be nil. It ends with
// the thread that called Start, which Main keeps for the program's life; Ctrl-C does
// not reach it.
func Start(out io.Writer, command ...string) (*Process, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", command[0], err)
	}
	return &Process{cmd}, nil
}

// PID returns the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop ends the process, by force if it does not end when told to.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(stopWait, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	_ = p.cmd.Wait() // how it ends when told to is no news
}

// Spin keeps n CPUs busy at ordinary priority until stop is called.
func Spin(n int) (stop func(), err error) {
	var all []*Process
	stop = func() {
		for _, p := range all {
			p.Stop()
		}
	}
	for range n {
		p, err := Start(nil, "sh", "-c", "while :; do :; done")
		if err != nil {
			stop()
			return nil, err
		}
		all = append(all, p)
	}
	return stop, nil
}
