package child

import (
	"errors"
	"os"
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

// ErrNoDelays reports that the kernel does not count the delays of a server's threads.
var ErrNoDelays = errors.New("the kernel does not account this server's delays")

// Counters are what the kernel counts of a server's process anyway. They are read
// at constant cost, with a child and without.
type Counters struct {
	Process Process
	Cgroup  Cgroup // nil: can't be read
	// Delays reads the server's delay accounting; nil where the kernel has none.
	Delays func() (taskstats.Stats, error)
}

// Reading is what the counters say of a server, and of its child, at one
// moment. Taking it costs some 0.2 ms of CPU on a busy machine, however large
// the server is.
type Reading struct {
	at       time.Time
	faults   uint64                   // minor faults of the server
	resident uint64                   // bytes of the server
	ran      opt.Val[time.Duration]   // how long the server's main thread has run
	anon     opt.Val[uint64]          // bytes that the server has mapped of anonymous memory
	cgroup   opt.Val[uint64]          // bytes of anonymous memory in the server's cgroup, if nobody else is in it
	copies   opt.Val[taskstats.Stats] // delay accounting of the server
	child    opt.Val[uint64]          // resident bytes of the child
	own      uint64                   // minor faults of the child
	pages    opt.Val[estimate]        // private dirty bytes of the child by a sample of its pages
}

// HasCgroup reports whether the server's cgroup was read, and held nobody else.
func (r Reading) HasCgroup() bool { return r.cgroup.Present() }

// HasDelays reports whether the kernel answered with the server's delays.
func (r Reading) HasDelays() bool { return r.copies.Present() }

// growth returns by how many bytes the server's resident size exceeds base; 0 if it shrank.
func (r Reading) growth(base uint64) uint64 { return r.resident - min(r.resident, base) }

// beyondGrowth returns how many faults there were since an earlier reading, from,
// that did not make the server grow. page is the size of a page.
func (r Reading) beyondGrowth(from Reading, page uint64) uint64 {
	faults := r.faults - from.faults
	return faults - min(r.growth(from.resident)/page, faults)
}

// others returns what the cgroup's processes other than the server hold, in bytes. It
// is below 0 where the server brought memory along that another cgroup is charged for:
// only differences mean anything.
func (r Reading) others() (int64, bool) {
	cgroup, ok1 := r.cgroup.Get()
	anon, ok2 := r.anon.Get()
	return int64(cgroup) - int64(anon), ok1 && ok2
}

// Read reads the server's counters. child is its child; nil while it has none.
func (c *Counters) Read(child Process) (Reading, error) {
	r, err := c.readServer(child)
	if err != nil || child == nil {
		return r, err
	}
	stat, err := child.Stat()
	switch {
	case err != nil:
		return r, err
	case stat.VirtualBytes == 0:
		// It is ending, if not a zombie yet: for some milliseconds per GB the kernel
		// takes its memory apart. What was read before is only of use if it came before.
		return r, proc.ErrGone
	}
	r.child, r.own = opt.Of(stat.ResidentPages*uint64(os.Getpagesize())), stat.MinorFaults
	return r, nil
}

func (c *Counters) readServer(child Process) (Reading, error) {
	stat, err := c.Process.Stat()
	if err != nil {
		return Reading{}, err
	}
	r := Reading{
		at:       time.Now(),
		faults:   stat.MinorFaults,
		resident: stat.ResidentPages * uint64(os.Getpagesize()),
	}
	if ran, err := c.Process.RunTime(); err == nil && ran > 0 {
		r.ran = opt.Of(ran)
	}
	alone := c.alone(child)
	if status, err := c.Process.Status(); err == nil {
		r.anon = status.RSSAnon
	}
	if alone { // right after: the two are of one moment
		if anonymous, err := c.Cgroup.Anonymous(); err == nil {
			r.cgroup = opt.Of(anonymous)
		}
	}
	if c.Delays != nil {
		if s, err := c.Delays(); err == nil {
			r.copies = opt.Of(s)
		}
	}
	return r, nil
}

// HugeBytes returns how many bytes of the server's memory are huge pages: its own
// cgroup tells while the server is alone in it.
func (c *Counters) HugeBytes() opt.Val[uint64] {
	if !c.alone(nil) {
		return opt.Val[uint64]{}
	}
	huge, err := c.Cgroup.AnonymousHuge()
	if err != nil {
		return opt.Val[uint64]{}
	}
	return opt.Of(huge)
}

// alone reports whether the server's cgroup can be read and nobody is in it but the
// server and child (nil: the server only). Whoever else comes, a shell or a probe, has
// memory of its own there.
func (c *Counters) alone(child Process) bool {
	if c.Cgroup == nil {
		return false
	}
	members, err := c.Cgroup.Processes()
	if err != nil {
		return false
	}
	for _, pid := range members {
		if pid != c.Process.ID().PID && (child == nil || pid != child.ID().PID) {
			return false
		}
	}
	return true
}

// readingsKept is how many readings without a child are kept.
const readingsKept = 6

// Idle are the last readings without a child since the last fork, ascending in time.
type Idle []Reading

// Add keeps r, and forgets the oldest reading if there are too many.
func (q *Idle) Add(r Reading) {
	*q = append(*q, r)
	if len(*q) > readingsKept {
		*q = slices.Clone((*q)[1:])
	}
}

// Take returns the readings that were taken before birth, and forgets all of them:
// what comes after it is of another time.
func (q *Idle) Take(birth time.Time) Idle {
	taken := slices.DeleteFunc(*q, func(r Reading) bool { return r.at.After(birth) })
	*q = nil
	return taken
}

// last returns the newest reading.
func (q Idle) last() opt.Val[Reading] {
	if len(q) == 0 {
		return opt.Val[Reading]{}
	}
	return opt.Of(q[len(q)-1])
}

// calmFaults is how many faults in a second count as none.
const calmFaults = 256

// calm reports whether the server had hardly any faults beyond its growth in the
// second before the newest reading: no tail of an earlier fork. Then those from there to
// a birth a moment later are the fork's. page is the size of a page. Where a fault may be
// a huge page (huge), the server must not have grown either.
func (q Idle) calm(page uint64, huge bool) bool {
	n := len(q)
	if n < 2 {
		return false
	}
	from, to := q[n-2], q[n-1]
	if huge {
		return to.faults-from.faults < calmFaults
	}
	return to.beyondGrowth(from, page) < calmFaults
}
