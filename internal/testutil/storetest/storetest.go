// Package storetest plays what happens to a server into a store, as a watcher would.
// Nothing but tests may import it.
package storetest

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// Server plays what happens to one server.
type Server struct {
	*history.Server
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// New returns what plays into s.
func New(s *history.Server) *Server { return &Server{s, time.Now} }

// Add returns what plays into a new server of store, with the given name.
func Add(store *history.Store, name string) *Server { return New(store.AddServer(name, name+":6379")) }

// Happen applies e as of now. It panics if the server's accounts do not add up then.
func (s *Server) Happen(e track.Event) {
	s.Apply(e, s.Now())
	if err := s.Check(); err != nil {
		panic(err)
	}
}

// Up has INFO answered now. Where no process is known none is found.
func (s *Server) Up(info redisinfo.Info) {
	s.Happen(track.Replied{Sent: s.Now(), At: s.Now(), Info: info})
	s.Happen(track.Searched{})
}

// Down has INFO not answered, because of problem.
func (s *Server) Down(problem string) {
	s.Happen(track.Failed{Reason: "unreachable", Problem: problem})
}

// Process has the server's process found. Its children's smaps can be read.
func (s *Server) Process(pid int, start opt.Val[time.Time]) {
	s.Happen(track.Found{PID: pid, Start: start, Smaps: true})
	s.Happen(track.Searched{})
}

// Source has a source work or not.
func (s *Server) Source(source fork.Source, ok bool) {
	s.Happen(track.SourceChanged{Source: source, OK: ok})
}

// Resident has the server's process be of that size in bytes.
func (s *Server) Resident(bytes uint64) { s.Happen(track.Memory{Resident: opt.Of(bytes)}) }

// Born has a child of that kind be born now. It returns the fork's ID. Where no process is
// known it is found before.
func (s *Server) Born(pid int, kind fork.Kind) string {
	return s.BornAs(track.Born{PID: pid, Start: s.Now(), Seen: s.Now()}, kind)
}

// BornAs is Born for a child whose birth is given.
func (s *Server) BornAs(b track.Born, kind fork.Kind) string {
	if !s.State().PID.Present() {
		s.Process(1, opt.Val[time.Time]{})
	}
	s.Happen(b)
	id := fork.ID(b.Start, b.PID)
	s.Titled(id, kind)
	return id
}

// Titled has the child's title tell its kind.
func (s *Server) Titled(id string, kind fork.Kind) { s.Happen(track.Titled{ID: id, Kind: kind}) }

// Private adds a reading of the child's private dirty memory.
func (s *Server) Private(id string, p fork.Sample) {
	s.Happen(track.Point{ID: id, Readings: fork.Readings{Private: opt.Of(p)}})
}

// Copies adds a reading of the fork's copies.
func (s *Server) Copies(id string, c fork.Copies) {
	s.Happen(track.Point{ID: id, Readings: fork.Readings{Copies: opt.Of(c)}})
}

// Extra adds a reading of what server and child hold more than the server alone.
func (s *Server) Extra(id string, e fork.Extra) {
	s.Happen(track.Point{ID: id, Readings: fork.Readings{Extra: opt.Of(e)}})
}

// Died has the child die at a time.
func (s *Server) Died(id string, at time.Time) { s.Happen(track.Died{ID: id, At: at}) }

// Drop has the child turn out to be no fork.
func (s *Server) Drop(id string) { s.Happen(track.NotAFork{ID: id, Why: "the test says so"}) }

// End has the child be dead and reaped with that outcome, and its record closed, as it is
// when INFO does not answer any more. It returns the record.
func (s *Server) End(id string, o fork.Outcome) fork.Record {
	if o == fork.OutcomeServerDied {
		s.Happen(track.Exited{At: s.Now()})
	}
	s.Died(id, s.Now())
	s.Happen(track.Reaped{ID: id, At: s.Now(), Exit: exits[o], OOMKilled: o == fork.OutcomeOOM})
	s.Apply(track.Tick{}, s.Now().Add(time.Minute))
	for _, f := range s.Forks() {
		if f.ID == id {
			return f
		}
	}
	return fork.Record{}
}

// exits are wait statuses by the outcomes that they have.
var exits = map[fork.Outcome]opt.Val[fork.Exit]{
	fork.OutcomeOK:        opt.Of(fork.Exit{}),
	fork.OutcomeFailed:    opt.Of(fork.Exit{Status: 1}),
	fork.OutcomeCancelled: opt.Of(fork.Exit{Status: 255}),
	fork.OutcomeKilled:    opt.Of(fork.Exit{Status: -1, Signal: "SIGSEGV"}),
	fork.OutcomeOOM:       opt.Of(fork.Exit{Status: -1, Signal: "SIGKILL"}),
}
