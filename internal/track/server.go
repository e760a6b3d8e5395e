package track

import (
	"fmt"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// Server is all that is known of one watched server. It is not safe for concurrent use.
type Server struct {
	state State
	open  []*openFork // oldest first
	asker asker

	process *process // proved to be the server's; nil without
	noProc  string   // why there is none, as told

	ledger ledger
	last   dated // the last good reply
	prior  dated // and the one before it
	// unpublished is a reply whose search for the process goes on: whoever sees the
	// server up sees its process too.
	unpublished opt.Val[Replied]
	found       bool       // that search has found the process
	held        settlement // what the ledger was waiting for when it did
	unseen      int        // forks that a restarted server had made before its first reply

	changes   changes
	anonymous window
	accounts  accounts

	actions []Action // of the Apply that goes on
}

// process is a process that is or was the server's.
type process struct {
	pid  int
	gone bool               // it is not the server any more: it has died, or another is
	died opt.Val[time.Time] // when
}

// dated is a reply to INFO, and when it came; absent at first.
type dated struct {
	info opt.Val[redisinfo.Info]
	at   time.Time
}

// New returns a Server that nothing is known of yet. name is its configured name and
// addr its address without credentials.
func New(name, addr string) *Server {
	s := &Server{state: newState(name, addr), ledger: ledger{grace: birthGrace}}
	for _, k := range []fork.Kind{fork.KindRDB, fork.KindAOF, fork.KindReplication} {
		s.see(k)
	}
	return s
}

// Waiting reports whether Tick has to come.
func (s *Server) Waiting() bool { return len(s.open) > 0 || s.ledger.waiting() }

// Apply takes an event that happened by now, and returns what it calls for.
func (s *Server) Apply(e Event, now time.Time) []Action {
	switch e := e.(type) {
	case Replied:
		s.state.Totals.Reads[fork.SourceInfo]++
		s.replied(e)
	case Failed:
		s.state.Totals.Reads[fork.SourceInfo]++
		s.failed(e, now)
	case SavePoints:
		s.state.SavePoint = e.Longest
	case Second:
		s.second(now)
	case Tick:
		s.expire(now)
	case Scraped:
		for _, f := range s.open {
			s.book(f, now)
		}
	case Found:
		s.processFound(e)
	case NotFound:
		s.processNotFound(e)
	case Searched:
		s.searched(now)
	case Exited:
		s.exited(e, now)
	case Freed:
		s.asker.searchNow()
		s.ask(AskFreed, now)
	case Memory:
		s.state.Totals.Reads[fork.SourceProcess]++
		s.memory(e, now)
	case Limits:
		s.limits(e.Limits)
	case SourceChanged:
		s.setSource(e.Source, e.OK)
	case ReadFailed:
		s.state.Totals.Reads[e.Source]++
		s.state.Totals.ReadErrors[e.ReadError]++
	case EstimateExpected:
		t := &s.state.Totals
		t.EstimatedCopyStallSeconds = opt.Of(t.EstimatedCopyStallSeconds.Or(0))
	case TailFaults:
		s.state.Totals.TailFaults += e.N
	case Born:
		s.born(e, now)
	case Titled:
		s.withFork(e.ID, func(f *openFork) { f.titled = e.Kind; s.setKind(f, now) })
	case NotAFork:
		s.withFork(e.ID, func(f *openFork) { s.drop(f, e.Why, now) })
	case Verified:
		s.withFork(e.ID, func(f *openFork) { s.verified(f, e.Copy, now) })
	case Point:
		s.withFork(e.ID, func(f *openFork) { s.point(f, e.Readings) })
		s.reads(e.Readings)
	case Estimated:
		s.withFork(e.ID, func(f *openFork) { s.estimated(f, e.Seconds) })
	case Died:
		s.withFork(e.ID, func(f *openFork) { s.died(f, e.At) })
	case Reaped:
		s.withFork(e.ID, func(f *openFork) { s.reaped(f, e, now) })
	case Tailed:
		s.tailed(e)
	default:
		panic(fmt.Sprintf("no such event: %T", e))
	}
	actions := s.actions
	s.actions = nil
	return actions
}

// do adds an action.
func (s *Server) do(a Action) { s.actions = append(s.actions, a) }

// withFork calls with on an open fork. What comes for a closed or dropped one is late, and
// nobody's.
func (s *Server) withFork(id string, with func(*openFork)) {
	if f := s.find(id); f != nil {
		with(f)
	}
}

func (s *Server) find(id string) *openFork {
	for _, f := range s.open {
		if f.ID == id {
			return f
		}
	}
	return nil
}

func (s *Server) setSource(source fork.Source, ok bool) (changed bool) {
	changed = s.state.Available[source] != ok
	s.state.Available[source] = ok
	return changed
}

// Open returns the records of the forks that are not closed, oldest first.
func (s *Server) Open() []fork.Record {
	out := make([]fork.Record, 0, len(s.open))
	for _, f := range s.open {
		out = append(out, f.Record)
	}
	return out
}
