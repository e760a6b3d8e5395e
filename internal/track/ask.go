package track

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

const (
	infoSlow   = time.Second      // without an answer for so long the server counts as down
	findEvery  = 10 * time.Second // looking for the process walks through /proc
	findAtMost = 5 * time.Minute
	birthGrace = 200 * time.Millisecond
)

// AskReason says why INFO is asked.
type AskReason string

// When INFO is asked. There is one question at a time: what calls for another while one
// is under way is asked right after it, since that may have been answered before.
const (
	AskSecond AskReason = "second" // once a second, however many scrape
	AskBirth  AskReason = "birth"  // latest_fork_usec, before another fork overwrites it
	AskDeath  AskReason = "death"  // the status and the figures of the child's end
	AskFound  AskReason = "found"  // the count of forks from which births are seen
	AskExited AskReason = "exited" // whether another run of the server answers
	AskFreed  AskReason = "freed"  // a process that another server had may be found now
)

// asker says when INFO is asked and when the process is looked for.
type asker struct {
	since    opt.Val[time.Time] // an INFO is under way since
	again    opt.Val[AskReason] // ask once more when it has been answered
	downed   bool               // the last INFO failed, and that was told
	findAt   time.Time          // no search for the process before
	findWait time.Duration      // how long after the last search that is
}

// ask asks for an INFO: now, or right after the one under way.
func (s *Server) ask(why AskReason, now time.Time) {
	a := &s.asker
	if a.since.Present() {
		a.again = opt.Of(why)
		return
	}
	a.since, a.again = opt.Of(now), opt.Val[AskReason]{}
	s.do(Ask{Reason: why})
}

// answered ends the question that was under way.
func (s *Server) answered() { s.asker.since = opt.Val[time.Time]{} }

// askAgain asks what was put off.
func (s *Server) askAgain(now time.Time) {
	if why, ok := s.asker.again.Get(); ok {
		s.ask(why, now)
	}
}

// second asks, and marks a server as down that has not answered for a while. The question
// stays open: an answer brings it back. Where the question before has failed, its error
// says more than the silence since.
func (s *Server) second(now time.Time) {
	since, asking := s.asker.since.Get()
	if !asking {
		s.ask(AskSecond, now)
		return
	}
	if !s.asker.downed && now.Sub(since) >= infoSlow {
		s.setDown("the server has not answered INFO for more than a second: it runs a slow command, is stopped, or its network is cut")
	}
}

// searchFailed puts the next search off. It walks through /proc: search less and less
// often for what is not found.
func (a *asker) searchFailed(at time.Time) {
	a.findWait = min(max(2*a.findWait, findEvery), findAtMost)
	a.findAt = at.Add(a.findWait)
}

// searchNow has the next reply followed by a search.
func (a *asker) searchNow() { a.findAt = time.Time{} }
