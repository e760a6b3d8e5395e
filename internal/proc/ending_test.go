package proc

import (
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/play"
)

// endings are ways to end, and the wait status of each.
var endings = map[string]struct {
	exit   int
	kill   bool
	status syscall.WaitStatus
}{
	"ok":        {exit: 0, status: 0},
	"failed":    {exit: 3, status: 3 << 8},
	"cancelled": {exit: 255, status: 255 << 8},
	"killed":    {kill: true, status: 9},
}

// end ends a process and leaves it a zombie.
func end(h *play.Process, kill bool) {
	if kill {
		h.Kill()
	} else {
		h.Finish()
	}
}

func TestEnding(t *testing.T) {
	for name, e := range endings {
		t.Run(name, func(t *testing.T) {
			h := play.Start(t, "exit", strconv.Itoa(e.exit), 0).Ready()
			p := open(t, realFS(t), h.PID())
			if closed(p.Exited()) || closed(p.Reaped()) {
				t.Fatal("ended already")
			}
			end(h, e.kill)
			within(t, p.Exited(), "exited")
			assertZombie(t, p, e.status)
			late := open(t, realFS(t), h.PID()) // opened as a zombie
			within(t, late.Exited(), "exited")
			assertZombie(t, late, e.status)
			if late.Permitted() {
				t.Error("permitted to read a zombie's memory")
			}
			h.Reap()
			for _, p := range []*Process{p, late} {
				within(t, p.Reaped(), "reaped")
				assertGone(t, p)
				assertReaped(t, p, e.status, kernelTells(t))
			}
		})
	}
}

func assertZombie(t *testing.T, p *Process, want syscall.WaitStatus) {
	t.Helper()
	if s, err := p.Stat(); err != nil || !s.Zombie() {
		t.Errorf("state %q, %v; want a zombie", s.State, err)
	}
	if got, ok := p.ExitStatus(); !ok || got != want {
		t.Errorf("the zombie's exit status is %#x, %t; want %#x", got, ok, want)
	}
	if closed(p.Reaped()) {
		t.Error("reaped already")
	}
	_, err := p.Smaps()
	wantErr(t, "smaps of a zombie", err, ErrGone)
	if status, err := p.Status(); err != nil || status.VMRSS.Present() {
		t.Errorf("status of a zombie: %+v, %v", status, err)
	}
	if title, err := p.Title(); err != nil || title != "" {
		t.Errorf("title of a zombie: %q, %v", title, err)
	}
}

func assertReaped(t *testing.T, p *Process, want syscall.WaitStatus, known bool) {
	t.Helper()
	got, ok := p.ExitStatus()
	if ok != known || ok && got != want {
		t.Errorf("after reaping the exit status is %#x, %t; want %#x, %t", got, ok, want, known)
	}
}

// openWithoutPIDFD opens a process as before Linux 5.3.
func openWithoutPIDFD(t *testing.T, pid int) *Process {
	t.Helper()
	fs := realFS(t)
	p, err := fs.openFiles(pid)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p.id.Start, p.permitted = s.Start, s.Permitted()
	p.end = newEnding(pidfd{}, p)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestEndingWithoutPIDFD(t *testing.T) {
	for name, e := range endings {
		t.Run(name, func(t *testing.T) {
			h := play.Start(t, "exit", strconv.Itoa(e.exit), 0).Ready()
			if !(pidfd{}).holds(h.PID()) {
				t.Error("it is not there")
			}
			p := openWithoutPIDFD(t, h.PID())
			end(h, e.kill)
			within(t, p.Exited(), "exited")
			assertZombie(t, p, e.status)
			if !(pidfd{}).holds(h.PID()) {
				t.Error("the zombie is not there")
			}
			h.Reap()
			within(t, p.Reaped(), "reaped")
			assertGone(t, p)
			assertReaped(t, p, 0, false) // play.Nobody tells then
			if (pidfd{}).holds(h.PID()) {
				t.Error("it is still there")
			}
		})
	}
}

func TestHolds(t *testing.T) {
	h := play.Start(t, "exit", "0", 0).Ready()
	fd, err := openPIDFD(h.PID())
	if err != nil {
		t.Fatal(err)
	}
	defer fd.close()
	if fd.file == nil {
		t.Skip("no pidfd in this kernel")
	}
	if !fd.holds(h.PID()) {
		t.Error("it is not there")
	}
	h.Finish()
	if !fd.awaitExit() || !fd.holds(h.PID()) {
		t.Error("the zombie is not there")
	}
	if status, ok := fd.exitStatus(); ok {
		t.Errorf("exit status %v before the reaping", status)
	}
	h.Reap()
	if fd.holds(h.PID()) {
		t.Error("it is still there")
	}
}

// Who is closed first must not look ended, in whatever order Close does its work.
func TestClosedIsNotEnded(t *testing.T) {
	for name, openIt := range map[string]func(t *testing.T, pid int) *Process{
		"pidfd":    func(t *testing.T, pid int) *Process { return open(t, realFS(t), pid) },
		"no pidfd": openWithoutPIDFD,
	} {
		for _, zombie := range []bool{false, true} {
			h := play.Start(t, "exit", "0", 0).Ready()
			p := openIt(t, h.PID())
			if zombie {
				h.Finish()
				within(t, p.Exited(), "exited")
			} else if name == "pidfd" {
				continue // its waiter reads nothing before the end
			}
			p.life.Lock()
			p.closed = true
			p.life.Unlock()
			p.end.waiter.Wait() // it finds that it can't read any more
			if closed(p.Exited()) != zombie || closed(p.Reaped()) {
				t.Errorf("%s, zombie %t: exited %t, reaped %t", name, zombie, closed(p.Exited()), closed(p.Reaped()))
			}
			p.end.close()
			_ = unix.Close(p.stat)
		}
	}
}

func TestKillIsSeenFromTwo(t *testing.T) {
	h := play.Start(t, "exit", "0", 0).Ready()
	a, b := open(t, realFS(t), h.PID()), open(t, realFS(t), h.PID())
	if a.ID() != b.ID() {
		t.Errorf("%v and %v", a.ID(), b.ID())
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	end(h, true)
	within(t, b.Exited(), "exited")
	if closed(a.Exited()) {
		t.Error("the closed one has seen the end")
	}
}
