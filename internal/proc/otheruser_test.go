package proc

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/play"
)

// sight is what another user sees of a process.
type sight struct {
	Permitted     bool
	Stat, Status  string // errors
	Smaps, Denied bool   // whether smaps can be read, whether that is ErrDenied
	Title         string
	Known         bool // the exit status
	ExitStatus    uint32
	Children      bool // whether they are listed
}

// lookAt tells what it sees of the process in arg: at once, when it has ended,
// and when it was reaped.
func lookAt(arg string) int {
	pid, err := strconv.Atoi(arg)
	if err != nil {
		return 1
	}
	fs, err := NewFS("/proc")
	if err != nil {
		return 1
	}
	p, err := fs.Open(pid)
	if err != nil {
		return 1
	}
	defer p.Close()
	look := func() {
		s := sight{Permitted: p.Permitted()}
		if _, err := p.Stat(); err != nil {
			s.Stat = err.Error()
		}
		if _, err := p.Status(); err != nil {
			s.Status = err.Error()
		}
		_, err := p.Smaps()
		s.Smaps, s.Denied = err == nil, errors.Is(err, ErrDenied)
		s.Title, _ = p.Title()
		status, ok := p.ExitStatus()
		s.Known, s.ExitStatus = ok, uint32(status)
		_, err = os.ReadFile("/proc/" + arg + "/task/" + arg + "/children")
		s.Children = err == nil
		play.Say(s)
	}
	look()
	<-p.Exited()
	look()
	<-p.Reaped()
	look()
	return 0
}

func TestEndingSeenByAnotherUser(t *testing.T) {
	for name, e := range endings {
		t.Run(name, func(t *testing.T) {
			h := play.Start(t, "exit", strconv.Itoa(e.exit), 0).Ready()
			other := play.Start(t, "look", strconv.Itoa(h.PID()), play.Nobody)
			var alive, ended, reaped sight
			other.Hear(&alive)
			if want := (sight{Denied: true, Title: "/proc/self/exe", Children: true}); alive != want {
				t.Errorf("alive: %+v, want %+v", alive, want)
			}
			end(h, e.kill)
			other.Hear(&ended)
			if ended.Known {
				t.Errorf("the zombie's exit status was believed: %#x", ended.ExitStatus)
			}
			if ended.Permitted || ended.Smaps || ended.Stat != "" || ended.Status != "" {
				t.Errorf("ended: %+v", ended)
			}
			h.Reap()
			other.Hear(&reaped)
			if reaped.Known != kernelTells(t) || reaped.Known && reaped.ExitStatus != uint32(e.status) {
				t.Errorf("reaped: exit status %#x, %t; want %#x", reaped.ExitStatus, reaped.Known, e.status)
			}
			if reaped.Stat == "" || reaped.Status == "" || reaped.Smaps || reaped.Children {
				t.Errorf("reaped, and still to be read: %+v", reaped)
			}
		})
	}
}

// A user who sees a zombie first has the right to its status or has not.
func TestZombieOpenedByAnotherUser(t *testing.T) {
	testutil.Root(t)
	for _, uid := range []int{0, play.Nobody} { // whose the zombie is
		h := play.Start(t, "exit", "3", uid).Ready()
		p := open(t, realFS(t), h.PID())
		h.Finish()
		within(t, p.Exited(), "exited")
		other := play.Start(t, "look", strconv.Itoa(h.PID()), play.Nobody)
		var first, ended sight
		other.Hear(&first)
		other.Hear(&ended)
		if mine := uid == play.Nobody; first != ended || first.Known != mine || mine && first.ExitStatus != 3<<8 {
			t.Errorf("a zombie of uid %d: %+v and %+v", uid, first, ended)
		}
		h.Reap()
		var reaped sight
		other.Hear(&reaped)
		if reaped.Known != kernelTells(t) || reaped.Known && reaped.ExitStatus != 3<<8 {
			t.Errorf("a reaped process of uid %d: %+v", uid, reaped)
		}
	}
}
