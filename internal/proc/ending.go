package proc

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	reapPoll    = 20 * time.Millisecond // how often a zombie is looked at
	noPIDFDPoll = 50 * time.Millisecond // how often a process is looked at before Linux 5.3
)

// pidfd refers to a process as long as it is open. Before Linux 5.3 there are
// none: file is nil then.
type pidfd struct{ file *os.File }

// openPIDFD returns a pidfd of the process pid; one without a file where the kernel
// has none.
func openPIDFD(pid int) (pidfd, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	switch {
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM): // EPERM: a seccomp filter that doesn't know it
		return pidfd{}, nil
	case err != nil:
		return pidfd{}, Classify("pidfd", err)
	}
	// So that the runtime waits for it without a thread. There is a flag for
	// this in PidfdOpen, but only since Linux 5.10.
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return pidfd{}, Classify("pidfd", err)
	}
	return pidfd{os.NewFile(uintptr(fd), "pidfd")}, nil
}

// holds reports whether the process, whose pid is given, is still there, if only as a
// zombie. As long as it is, no other process can have that pid.
func (p pidfd) holds(pid int) bool {
	if p.file == nil {
		return unix.Kill(pid, 0) != unix.ESRCH
	}
	alive := false
	p.control(func(fd int) {
		alive = unix.PidfdSendSignal(fd, 0, nil, 0) != unix.ESRCH
	})
	return alive
}

// control calls f with the descriptor, while nobody can close it. It does nothing
// where there is none.
func (p pidfd) control(f func(fd int)) {
	if p.file == nil {
		return
	}
	if rc, err := p.file.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { f(int(fd)) })
	}
}

// awaitExit waits for the end of the process. It returns true when the process has
// ended, false when p was closed.
func (p pidfd) awaitExit() bool {
	rc, err := p.file.SyscallConn()
	if err != nil {
		return false
	}
	err = rc.Read(func(fd uintptr) bool {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		_, err := unix.Poll(fds, 0)
		return err == nil && fds[0].Revents&unix.POLLIN != 0
	})
	return err == nil
}

func (p pidfd) close() {
	if p.file != nil {
		_ = p.file.Close()
	}
}

// exitStatus returns the wait status of a process that has been reaped; ok is false
// where the kernel does not tell. It takes Linux 6.15 and no right at all.
func (p pidfd) exitStatus() (status syscall.WaitStatus, ok bool) {
	p.control(func(fd int) {
		info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
		if err := unix.IoctlPidfdInfo(fd, &info); err == nil && info.Mask&unix.PIDFD_INFO_EXIT != 0 {
			status, ok = syscall.WaitStatus(info.Exit_code), true
		}
	})
	return status, ok
}

// ending waits for a process's end.
type ending struct {
	pidfd          pidfd
	exited, reaped chan struct{}
	at             time.Time // of the end; set before exited is closed
	stop           chan struct{}
	waiter         sync.WaitGroup
}

// newEnding returns an ending that waits for the end of p, whose pidfd is fd.
func newEnding(fd pidfd, p *Process) *ending {
	e := &ending{
		pidfd:  fd,
		exited: make(chan struct{}),
		reaped: make(chan struct{}),
		stop:   make(chan struct{}),
	}
	e.waiter.Go(func() { e.wait(p) })
	return e
}

// wait closes exited when p has ended, and reaped when its parent has taken notice.
// It returns early when p is closed.
func (e *ending) wait(p *Process) {
	over := e.pollExit
	if e.pidfd.file != nil {
		over = func(*Process) bool { return e.pidfd.awaitExit() }
	}
	if !over(p) {
		return
	}
	e.at = time.Now()
	close(e.exited)
	tick := time.NewTicker(reapPoll)
	defer tick.Stop()
	for {
		if _, err := p.Stat(); err != nil {
			if p.isClosed() {
				return // that is why it can't be read
			}
			break
		}
		select {
		case <-e.stop:
			return
		case <-tick.C:
		}
	}
	close(e.reaped)
}

// pollExit waits for the end of p where there is no pidfd, by looking again and
// again. It returns true when p has ended, false when the waiting was stopped or p
// was closed.
func (e *ending) pollExit(p *Process) bool {
	tick := time.NewTicker(noPIDFDPoll)
	defer tick.Stop()
	for {
		if s, err := p.Stat(); err != nil || s.Zombie() {
			return !p.isClosed()
		}
		select {
		case <-e.stop:
			return false
		case <-tick.C:
		}
	}
}

// close stops waiting. It leaves exited and reaped open if they are.
func (e *ending) close() {
	close(e.stop)
	e.pidfd.close()
	e.waiter.Wait()
}

// Exited returns a channel that is closed when the process has ended, be it reaped or
// not. It stays open when the Process is closed before.
func (p *Process) Exited() <-chan struct{} { return p.end.exited }

// ExitTime returns when the end of the process was noticed. Call it after Exited was
// closed: whoever was busy with a long read then still learns the right moment.
func (p *Process) ExitTime() time.Time { return p.end.at }

// Reaped returns a channel that is closed when the parent of the process has taken
// notice of its end, at most 20 ms later.
func (p *Process) Reaped() <-chan struct{} { return p.end.reaped }

// ExitStatus returns how the process ended; false when that can't be known, or not
// yet. A reader with the right to trace is told by the zombie, others after the
// reaping and since Linux 6.15 only. Without that right a zombie's status reads 0, as
// if all had gone well: that is never believed.
func (p *Process) ExitStatus() (syscall.WaitStatus, bool) {
	if s, err := p.Stat(); err == nil {
		if s.Zombie() && (p.permitted || p.zombiePermitted()) {
			return syscall.WaitStatus(s.ExitCode), true
		}
		return 0, false
	}
	return p.end.pidfd.exitStatus()
}

// zombiePermitted reports whether this reader has the right to trace the process,
// which is a zombie. The link to the program, which a zombie has no more, asks for
// that right first, as its status does. Its io would not do: a zombie's files of mode
// 0400 are root's.
func (p *Process) zombiePermitted() bool {
	_, err := os.Readlink(p.fs.path(p.id.PID, "exe"))
	_, gone := p.Stat() // then the link was perhaps another's
	return gone == nil && errors.Is(err, fs.ErrNotExist)
}
