package child

import (
	"context"
	"syscall"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

const (
	// A child sets its title a moment after its birth: look again this often,
	// this many times, and then with each point.
	titleEvery = 10 * time.Millisecond
	titleTries = 20
	idleLook   = time.Second // without sampling

	// reapWait bounds the wait for the server to reap its child. It does so in
	// its cron, up to 1/hz seconds later, and not while a command runs.
	reapWait = 5 * time.Second
)

// Process is a server's or a child's process, held so that it can't be taken for
// another. *proc.Process documents the methods.
type Process interface {
	ID() proc.ID
	Stat() (proc.Stat, error)
	Status() (proc.Status, error)
	RunTime() (time.Duration, error)
	Title() (string, error)
	Smaps() (proc.Smaps, error)
	MayReadPages() bool
	// Pages opens the process's pages for sampling; the caller closes them.
	Pages() (Pages, error)
	WrittenBytes() (uint64, error)
	Exited() <-chan struct{}
	ExitTime() time.Time
	Reaped() <-chan struct{}
	ExitStatus() (syscall.WaitStatus, bool)
}

// Cgroup is a memory cgroup.
type Cgroup interface {
	Anonymous() (uint64, error)
	AnonymousHuge() (uint64, error)
	Processes() ([]int, error)
	Close()
}

// Experience is what a server's children have taught so far, and the next one's
// Follower has to know.
type Experience struct {
	SmapsRead   bool // smaps of a child could be read
	SmapsDenied bool // it could not be read of the last child that was tried, though the rights seemed to allow it
	HadHuge     bool // a child had huge pages; the machine may give none now
}

// With returns e and what was learned later, from a child that need not have known
// all of e.
func (e Experience) With(later Experience) Experience {
	return Experience{
		SmapsRead:   e.SmapsRead || later.SmapsRead,
		SmapsDenied: later.SmapsDenied,
		HadHuge:     e.HadHuge || later.HadHuge,
	}
}

// Options are what a Follower is made of.
type Options struct {
	Child   Process
	Command string    // the child's name at its birth, as stat shows it
	Birth   time.Time // the end of the stall
	Partial bool      // the child was there before it was first seen
	Alone   bool      // no other child had memory at the birth: whoever counts copies counts those for both

	Server     Counters
	Idle       Idle // readings of Server without a child, from before the birth
	Experience Experience

	Sampling bool          // false: title, death and end only
	Interval time.Duration // between two points, for the first 30 s
	Budget   *Budget
	CPUTime  func() time.Duration // CPU time of the calling thread

	CPUs             int  // of the machine
	MayHaveHugePages bool // the server may get huge pages of itself, as far as is known
	// DelaysOff reports whether delay accounting is certainly switched off now.
	DelaysOff func() bool
	// OOMKills reads the counter of OOM kills around the server; nil where there is none.
	OOMKills func() (uint64, error)

	// Report takes an event. It is called from the goroutine that calls Follow, and may
	// block.
	Report func(Event)
}

// Follower measures one living child, waits for its death, and counts the tail.
type Follower struct {
	opts    Options
	sampler *sampler // nil: no sampling
	oom     oomKills
}

// New begins to follow a child that has just been seen. Readings at the birth are
// taken here; the caller calls Follow right after.
func New(o Options) *Follower {
	f := &Follower{opts: o, oom: newOOMKills(o.OOMKills)}
	if o.Sampling {
		f.sampler = newSampler(o)
	}
	return f
}

// Follow returns when the child is dead and reaped and its tail has ended, or ctx
// ends. tail ends with the next fork of the server.
func (f *Follower) Follow(ctx, tail context.Context) {
	var (
		titled bool
		tries  int
		timer  = time.NewTimer(0)
	)
	defer timer.Stop()
	if f.sampler != nil {
		defer f.sampler.close()
		if f.sampler.expectsEstimate() {
			f.opts.Report(EstimateExpected{})
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.opts.Child.Exited():
			f.died(ctx, tail)
			return
		case <-timer.C:
		}
		if !titled {
			titled = f.look()
			tries++
		}
		wait := idleLook
		if f.sampler != nil {
			wait = f.sampler.next(time.Now())
		}
		if !titled && tries < titleTries {
			wait = min(wait, titleEvery)
		}
		timer.Reset(wait)
	}
}

// look reads the child's title and reports whether that settled its kind. A child
// that has become another program was never a fork of the server's data.
func (f *Follower) look() bool {
	stat, err := f.opts.Child.Stat()
	if err == nil && stat.Name() != f.opts.Command {
		f.opts.Report(OtherProgram{})
		return true
	}
	title, err := f.opts.Child.Title()
	if err != nil {
		return false
	}
	kind := fork.KindOfTitle(title)
	if kind == fork.KindUnknown {
		return false
	}
	f.opts.Report(Titled{Kind: kind})
	return true
}

// died finds out how the child ended, and reports it when the server has reaped
// it: only then does INFO speak of the same end.
func (f *Follower) died(ctx, tail context.Context) {
	child := f.opts.Child
	end := Ended{At: child.ExitTime()}
	var last opt.Val[Reading]
	if f.sampler != nil {
		last = f.sampler.last()
		f.sampler.close()
	}
	f.opts.Report(Died{At: end.At})
	end.CPU, end.Written = f.usage()
	status, known := child.ExitStatus()
	timeout := time.NewTimer(reapWait)
	defer timeout.Stop()
	select {
	case <-ctx.Done():
		return
	case <-child.Reaped():
	case <-timeout.C:
	}
	end.Reaped = time.Now()
	if !known {
		status, known = child.ExitStatus()
	}
	if known {
		end.Status = opt.Of(exit(status))
		end.OOMKilled = status.Signaled() && status.Signal() == syscall.SIGKILL && f.oom.rose()
	}
	f.opts.Report(end)
	if r, ok := last.Get(); ok {
		f.sampler.tail(tail, r)
	}
}

// exit returns a wait status as the record has it.
func exit(status syscall.WaitStatus) fork.Exit {
	if status.Signaled() {
		name := proc.SignalName(status.Signal())
		if name == "" { // a real-time signal has none
			name = status.Signal().String()
		}
		return fork.Exit{Status: -1, Signal: name}
	}
	return fork.Exit{Status: status.ExitStatus()}
}

// usage reads what the child consumed in its life; best from the zombie.
func (f *Follower) usage() (cpu opt.Val[float64], written opt.Val[uint64]) {
	if s, err := f.opts.Child.Stat(); err == nil {
		cpu = opt.Of(float64(s.UserTicks+s.SystemTicks) / proc.TicksPerSecond)
	}
	if n, err := f.opts.Child.WrittenBytes(); err == nil {
		written = opt.Of(n)
	}
	return cpu, written
}

// oomKills tells whether a counter of OOM kills grew. The zero value can't.
type oomKills struct {
	read   func() (uint64, error)
	before uint64
}

func newOOMKills(read func() (uint64, error)) oomKills {
	if read == nil {
		return oomKills{}
	}
	before, err := read()
	if err != nil {
		return oomKills{}
	}
	return oomKills{read, before}
}

// rose reports whether the counter has grown since it was first read.
func (o oomKills) rose() bool {
	if o.read == nil {
		return false
	}
	now, err := o.read()
	return err == nil && now > o.before
}
