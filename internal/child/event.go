package child

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Event is something that a Follower reports. The events of one child come in the
// order in which they happened.
type Event interface{ event() }

type (
	// Titled reports the title that the child has given itself.
	Titled struct{ Kind fork.Kind }

	// OtherProgram reports that the child runs another program than the server: it
	// was never a fork of the server's data.
	OtherProgram struct{}

	// Point reports what one look at the child has brought.
	Point struct{ fork.Readings }

	// EstimateExpected reports, at the birth, that the time of the copies will be
	// estimated if all goes well.
	EstimateExpected struct{}

	// Estimated reports how long the fork's copies took, by estimate.
	Estimated struct{ Seconds float64 }

	// DelaysStopped reports that the kernel has stopped counting the server's delays
	// while the child lived.
	DelaysStopped struct{ Err error }

	// Learned reports what is to be handed to the server's next Follower.
	Learned struct{ Experience Experience }

	// Died reports that the child has ended; the last Point is reported before.
	Died struct{ At time.Time }

	// Ended reports how the child ended, once the server has reaped it or has
	// taken longer than 5 s to do so.
	Ended struct {
		At        time.Time          // of the death
		Reaped    time.Time          // when the server took notice, as far as that was seen
		Status    opt.Val[fork.Exit] // absent: the kernel does not tell
		OOMKilled bool               // SIGKILL, and an oom_kill counter rose during the child's life
		CPU       opt.Val[float64]   // seconds that the child ran
		Written   opt.Val[uint64]    // bytes that it caused to be written to storage
	}

	// TailFaults reports write faults of the server after the child's death, since
	// the last such report.
	TailFaults struct{ N uint64 }

	// Tailed reports that the tail has ended.
	Tailed struct{ Tail fork.Tail }
)

func (Titled) event()           {}
func (OtherProgram) event()     {}
func (Point) event()            {}
func (EstimateExpected) event() {}
func (Estimated) event()        {}
func (DelaysStopped) event()    {}
func (Learned) event()          {}
func (Died) event()             {}
func (Ended) event()            {}
func (TailFaults) event()       {}
func (Tailed) event()           {}
