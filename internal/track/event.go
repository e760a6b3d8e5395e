package track

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// Event is something that has happened to a server.
type Event interface{ event() }

// What the server says.
type (
	// Replied reports an answer to INFO.
	Replied struct {
		Sent time.Time // when it was asked
		At   time.Time // when it was answered
		Info redisinfo.Info
	}

	// Failed reports that INFO was not answered.
	Failed struct {
		Reason  string // one of those that ReadErrors has for fork.SourceInfo
		Problem string // why, in one sentence that says what to do
	}

	// SavePoints reports the server's longest save point.
	SavePoints struct {
		Longest opt.Val[redisinfo.SavePoint]
	}
)

// What the clock and the readers say.
type (
	// Second comes once a second.
	Second struct{}

	// Tick comes some times a second while Server.Waiting reports true.
	Tick struct{}

	// Scraped comes before a reader takes the State.
	Scraped struct{}
)

// What is known of the server's process.
type (
	// Found reports the process that was proved to be the server. The children that it
	// has already follow, each as Born, and then Searched.
	Found struct {
		PID     int
		Start   opt.Val[time.Time]
		Smaps   bool   // its children's smaps may be read
		Pages   bool   // and their pages
		Problem string // what of it can't be read, and the remedy
	}

	// NotFound reports that no process could be proved to be the server.
	NotFound struct{ Problem string }

	// Searched reports that Find has been carried out.
	Searched struct{}

	// Exited reports that the server's process has ended.
	Exited struct{ At time.Time }

	// Freed reports that the process that another server had may be this one's now.
	Freed struct{}

	// Memory reports the size of the server's process.
	Memory struct {
		Resident   opt.Val[uint64] // VmRSS
		PageTables opt.Val[uint64] // VmPTE
		Anonymous  opt.Val[uint64] // RssAnon
		Huge       opt.Val[uint64] // what of it is huge pages, where the server's own cgroup tells
	}

	// Limits reports what the machine leaves the server, but for what its running
	// children will give back.
	Limits struct{ limits.Limits }

	// SourceChanged reports whether a source works.
	SourceChanged struct {
		Source fork.Source
		OK     bool
	}

	// ReadFailed reports a failed read.
	ReadFailed struct{ ReadError }
)

// What happens to a child. ID is its fork's.
type (
	// Born reports a new child that is a copy of the server.
	Born struct {
		PID     int
		Start   time.Time // the end of the stall
		Seen    time.Time // when it was first seen
		Partial bool      // it was there before the server's process was found
	}

	// Titled reports the kind that the child's title tells.
	Titled struct {
		ID   string
		Kind fork.Kind
	}

	// NotAFork reports that the child turned out to be no fork of the server.
	NotAFork struct{ ID, Why string }

	// Verified answers Verify.
	Verified struct {
		ID   string
		Copy bool // the child is a copy of the server
	}

	// Point reports what one look at the child has brought.
	Point struct {
		ID string
		fork.Readings
	}

	// EstimateExpected reports that a fork has begun whose copy time will be estimated
	// if all goes well.
	EstimateExpected struct{}

	// Estimated reports how long the fork's copies took, by estimate.
	Estimated struct {
		ID      string
		Seconds float64
	}

	// Died reports that the child has ended.
	Died struct {
		ID string
		At time.Time
	}

	// Reaped reports how the child ended, once the server has reaped it or nobody waits
	// for that any longer.
	Reaped struct {
		ID        string
		At        time.Time          // when it was reaped, as far as that was seen
		Exit      opt.Val[fork.Exit] // absent: the kernel does not tell
		OOMKilled bool               // an oom_kill counter rose during the child's life
		CPU       opt.Val[float64]   // seconds that the child ran
		Written   opt.Val[uint64]    // bytes that it caused to be written to storage
	}

	// TailFaults reports write faults of the server after a child's death, since the
	// last such report.
	TailFaults struct{ N uint64 }

	// Tailed reports that the fork's tail has ended. Its record may be closed by then.
	Tailed struct {
		ID   string
		Tail fork.Tail
	}
)

func (Replied) event()          {}
func (Failed) event()           {}
func (SavePoints) event()       {}
func (Second) event()           {}
func (Tick) event()             {}
func (Scraped) event()          {}
func (Found) event()            {}
func (NotFound) event()         {}
func (Searched) event()         {}
func (Exited) event()           {}
func (Freed) event()            {}
func (Memory) event()           {}
func (Limits) event()           {}
func (SourceChanged) event()    {}
func (ReadFailed) event()       {}
func (Born) event()             {}
func (Titled) event()           {}
func (NotAFork) event()         {}
func (Verified) event()         {}
func (Point) event()            {}
func (EstimateExpected) event() {}
func (Estimated) event()        {}
func (Died) event()             {}
func (Reaped) event()           {}
func (TailFaults) event()       {}
func (Tailed) event()           {}
