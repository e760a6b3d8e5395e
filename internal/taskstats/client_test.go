package taskstats

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/play"
)

const pages = 16_384

func TestCopiesOfAllThreads(t *testing.T) {
	sw := takeSwitch(t)
	c := dial(t)
	sw.set(true)
	h := play.Start(t, "write", "", 0)
	copies(h, order{Pages: 1, Main: true}) // it runs
	process, main := ask(t, c.Process, h.PID()), ask(t, c.Thread, h.PID())

	if tid := copies(h, order{Pages: pages, Main: true}); tid != h.PID() {
		t.Fatalf("thread %d is not the main thread", tid)
	}
	process2, main2 := ask(t, c.Process, h.PID()), ask(t, c.Thread, h.PID())
	sw.still(true)
	near(t, "main thread", main, main2, pages)
	near(t, "process", process, process2, pages)
	if main2.CopyDelay <= main.CopyDelay || process2.CopyDelay <= process.CopyDelay {
		t.Error("the copies took no time")
	}

	tid := copies(h, order{Pages: pages})
	process3, main3, other := ask(t, c.Process, h.PID()), ask(t, c.Thread, h.PID()), ask(t, c.Thread, tid)
	sw.still(true)
	near(t, "process, of another thread", process2, process3, pages)
	near(t, "the other thread", Stats{}, other, pages)
	near(t, "main thread, idle", main2, main3, 0)

	tid = copies(h, order{Pages: pages, Ends: true})
	eventually(t, func() bool { _, err := c.Thread(tid); return errors.Is(err, ErrGone) }, "the thread does not end")
	process4 := ask(t, c.Process, h.PID())
	sw.still(true)
	near(t, "process, of a thread that ended", process3, process4, pages)

	h.Finish()
	zombie(t, h.PID())
	process5, main5 := ask(t, c.Process, h.PID()), ask(t, c.Thread, h.PID())
	sw.still(true)
	near(t, "zombie process", process4, process5, 0)
	near(t, "zombie main thread", main3, main5, 0)
	h.Reap()
	if _, err := c.Process(h.PID()); !errors.Is(err, ErrGone) {
		t.Errorf("reaped: process %v", err)
	}
	if _, err := c.Thread(h.PID()); !errors.Is(err, ErrGone) {
		t.Errorf("reaped: thread %v", err)
	}
}

func TestSwitchedOnTooLate(t *testing.T) {
	sw := takeSwitch(t)
	c := dial(t)
	sw.set(false)
	h := play.Start(t, "write", "", 0)
	copies(h, order{Pages: 1, Main: true})
	first := ask(t, c.Thread, h.PID())
	sw.still(false)
	sw.set(true)
	copies(h, order{Pages: pages, Main: true})
	later := ask(t, c.Thread, h.PID())
	sw.still(true)
	if first.CopyCount != 0 || later.CopyCount != 0 || later.CopyDelay != 0 {
		t.Errorf("%d copies at first and %d later, want none ever", first.CopyCount, later.CopyCount)
	}
	// A thread that starts now is counted, and makes the process look accounted.
	for range 100 { // the runtime has threads from before at first
		copies(h, order{Pages: 1})
		if ask(t, c.Process, h.PID()).CopyCount > 0 {
			break
		}
	}
	process, main := ask(t, c.Process, h.PID()), ask(t, c.Thread, h.PID())
	sw.still(true)
	if process.CopyCount == 0 || main.CopyCount != 0 {
		t.Errorf("%d copies of the process and %d of its main thread, want some and none", process.CopyCount, main.CopyCount)
	}
}

func TestSwitchedOffStandsStill(t *testing.T) {
	sw := takeSwitch(t)
	c := dial(t)
	sw.set(true)
	h := play.Start(t, "write", "", 0)
	copies(h, order{Pages: pages, Main: true})
	sw.still(true)
	sw.set(false)
	first := ask(t, c.Thread, h.PID())
	copies(h, order{Pages: pages, Main: true})
	later := ask(t, c.Thread, h.PID())
	sw.still(false)
	if first.CopyCount < pages || later.CopyCount != first.CopyCount {
		t.Errorf("%d copies, then %d", first.CopyCount, later.CopyCount)
	}
}

// A forked child is a process of one thread.
func TestZombieOfOneThread(t *testing.T) {
	sw := takeSwitch(t)
	c := dial(t)
	sw.set(true)
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Skipf("no program of one thread here: %v", err)
	}
	zombie(t, cmd.Process.Pid)
	process, thread := ask(t, c.Process, cmd.Process.Pid), ask(t, c.Thread, cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	sw.still(true)
	if thread.CopyCount == 0 {
		t.Error("its thread has no copies, though it was forked and wrote")
	}
	if process.CopyCount != 0 {
		t.Errorf("its process has %d copies: this kernel sums up lone threads too, tell it in doc.go", process.CopyCount)
	}
}

func TestIdentity(t *testing.T) {
	c := dial(t)
	h := play.Start(t, "write", "", 0)
	copies(h, order{Pages: pages, Main: true})
	before := ask(t, c.Thread, h.PID())
	if int(before.PID) != h.PID() || before.Name() == "" {
		t.Errorf("pid %d named %q, want %d", before.PID, before.Name(), h.PID())
	}
	if comm, err := os.ReadFile("/proc/" + strconv.Itoa(h.PID()) + "/comm"); err != nil || string(comm) != before.Name()+"\n" {
		t.Errorf("named %q, comm is %q, %v", before.Name(), comm, err)
	}
	copies(h, order{Pages: pages, Main: true})
	after := ask(t, c.Thread, h.PID())
	// One for the read and one for the write of each page.
	if d := after.MinorFaults.Or(0) - before.MinorFaults.Or(0); d < 2*pages {
		t.Errorf("%d minor faults for %d", d, 2*pages)
	}
	if process := ask(t, c.Process, h.PID()); process.MinorFaults.Present() {
		t.Errorf("a process has minor faults in this kernel, tell it in doc.go: %+v", process)
	}
}

func TestDenied(t *testing.T) {
	testutil.Root(t)
	dial(t)
	h := play.Start(t, "ask", "", play.Nobody)
	var s said
	h.Hear(&s)
	if !s.Denied {
		t.Errorf("as uid %d: %q, want ErrDenied", play.Nobody, s.Err)
	}
}

func TestNoSuchProcess(t *testing.T) {
	c := dial(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	// A pid beyond 32 bits must not become that of init.
	for _, pid := range []int{cmd.Process.Pid, 0, -1, 1<<32 + 1} {
		if _, err := c.Process(pid); !errors.Is(err, ErrGone) {
			t.Errorf("process %d: %v", pid, err)
		}
		if _, err := c.Thread(pid); !errors.Is(err, ErrGone) {
			t.Errorf("thread %d: %v", pid, err)
		}
	}
	ask(t, c.Process, os.Getpid()) // an error leaves nothing behind
}

func TestConcurrentUse(t *testing.T) {
	c := dial(t)
	var wg sync.WaitGroup
	for _, pid := range []int{os.Getpid(), os.Getppid()} {
		for range 4 {
			wg.Go(func() {
				for range 200 {
					if s, err := c.Thread(pid); err != nil || int(s.PID) != pid {
						t.Errorf("asked for %d: %+v, %v", pid, s, err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
}

func TestOutOfStep(t *testing.T) {
	c := dial(t)
	// An answer that play.Nobody took.
	var request [requestSize]byte
	putRequest(&request, c.family, c.sequence-1, question{attrPID, uint32(os.Getppid())})
	if err := c.raw.Control(func(fd uintptr) {
		if _, err := unix.Write(int(fd), request[:]); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if s := ask(t, c.Thread, os.Getpid()); int(s.PID) != os.Getpid() {
		t.Errorf("answer of %d", s.PID)
	}
}

func TestClosed(t *testing.T) {
	c := dial(t)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := c.Process(os.Getpid()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestAskAllocatesNothing(t *testing.T) {
	c := dial(t)
	pid := os.Getpid()
	if n := testing.AllocsPerRun(100, func() { ask(t, c.Process, pid) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkProcess(b *testing.B) {
	c := dial(b)
	pid := os.Getpid()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Process(pid); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkThread(b *testing.B) {
	c := dial(b)
	pid := os.Getpid()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Thread(pid); err != nil {
			b.Fatal(err)
		}
	}
}
