package track

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Action is something that an Event calls for. The Actions of one Apply are carried out
// in their order.
type Action interface{ action() }

// To be done by whoever feeds the events.
type (
	// Ask calls for an INFO now.
	Ask struct{ Reason AskReason }

	// Find calls for a search for the server's process, to be answered with Found or
	// NotFound, and then Searched.
	Find struct{}

	// Detach calls for letting go of the server's process.
	Detach struct{}

	// Verify calls for a look whether a child is a copy of the server, to be answered
	// with Verified.
	Verify struct{ ID string }

	// Release calls for letting go of a child: its record is closed or dropped.
	Release struct{ ID string }
)

// To be kept by the store.
type (
	// Opened says that a record was opened, and at which time its lines begin.
	Opened struct {
		Record fork.Record
		From   time.Time
	}

	// Drawn says that a line has a new point.
	Drawn struct {
		ID    string
		Line  fork.Line
		At    time.Time
		Bytes uint64
	}

	// LinesEnded says that the lines of a fork end, and at what resident size of the
	// server.
	LinesEnded struct {
		ID       string
		At       time.Time
		Resident opt.Val[uint64]
	}

	// Dropped says that an open record was no fork's.
	Dropped struct{ ID string }

	// Closed says that a record is complete but for its tail.
	Closed struct{ Record fork.Record }

	// TailKnown says what tail a closed record has.
	TailKnown struct {
		ID   string
		Tail fork.Tail
	}
)

// To be told to people.
type (
	// AnswersAgain says that the server answers INFO again.
	AnswersAgain struct{}

	// NoAnswer says why it does not; once, until it answers again.
	NoAnswer struct{ Problem string }

	// Restarted says that another run of the server answers.
	Restarted struct{ Version string }

	// Unseen says that forks were not seen.
	Unseen struct {
		Forks     int
		NoProcess bool // because the server's process is not known
	}

	// Refused says that the kernel refused forks.
	Refused struct {
		Kind  fork.Kind
		Times uint64
	}

	// NoProcess says why no process is known; once, until there is another reason.
	NoProcess struct{ Why string }

	// NoFork says why a child of the server is no fork.
	NoFork struct {
		PID int
		Why string
	}

	// SourceLost says why a source of private dirty memory works no more.
	SourceLost struct {
		Source fork.Source
		Err    error
	}

	// ReadingFailed says why one reading failed.
	ReadingFailed struct {
		Source fork.Source
		Err    error
	}

	// TailEnded says what a fork still cost after its child.
	TailEnded struct {
		ID   string
		Tail fork.Tail
	}
)

func (Ask) action()           {}
func (Find) action()          {}
func (Detach) action()        {}
func (Verify) action()        {}
func (Release) action()       {}
func (Opened) action()        {}
func (Drawn) action()         {}
func (LinesEnded) action()    {}
func (Dropped) action()       {}
func (Closed) action()        {}
func (TailKnown) action()     {}
func (AnswersAgain) action()  {}
func (NoAnswer) action()      {}
func (Restarted) action()     {}
func (Unseen) action()        {}
func (Refused) action()       {}
func (NoProcess) action()     {}
func (NoFork) action()        {}
func (SourceLost) action()    {}
func (ReadingFailed) action() {}
func (TailEnded) action()     {}
