package main

import (
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
)

// helper is a process that is there to be there.
type helper struct{ cmd *exec.Cmd }

func startHelper(name string, args ...string) (*helper, error) {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return &helper{cmd}, nil
}

func (h *helper) stop() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait() // killed
}

// spinners keep every CPU busy at ordinary priority.
func spinners() (stop func(), err error) {
	var all []*helper
	stop = func() {
		for _, h := range all {
			h.stop()
		}
	}
	for range runtime.NumCPU() {
		h, err := startHelper("sh", "-c", "while :; do :; done")
		if err != nil {
			stop()
			return nil, err
		}
		all = append(all, h)
	}
	return stop, nil
}
