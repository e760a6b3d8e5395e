package measure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/terminal"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

const (
	lookEvery  = 100 * time.Millisecond
	plainEvery = 5 * time.Second // between two lines about a running fork, where no line can change
	// attachWithin is how long a server may take to answer for the first time.
	attachWithin = 10 * time.Second
	// settle is how long the server is watched without a child before it is made to
	// fork. What was copied is counted from the last reading before the birth, and
	// these come once a second.
	settle = 2500 * time.Millisecond
	// bornWithin is how long after the server's word that it has forked the child
	// may take to be seen. The watcher looks every few milliseconds.
	bornWithin = 10 * time.Second
)

// server is what a session sees of the server. *history.Server is one.
type server interface {
	State() track.State
	Forks() []fork.Record // newest first
}

// session is one measurement.
type session struct {
	*terminal.Terminal

	interrupt <-chan os.Signal
	server    server
	host      func() limits.Host
	trigger   redisinfo.ForkCommand
	yes       bool
	start     func(context.Context) error // starts the fork

	sent     bool // the trigger
	starting sync.WaitGroup
}

// errInterrupted says that somebody wants to leave.
var errInterrupted = errors.New("interrupted")

// run returns the record of the fork, when it has been closed and its tail has
// ended.
func (s *session) run(ctx context.Context) (fork.Record, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer s.starting.Wait()
	defer cancel()
	f, err := s.phases(ctx)
	switch {
	case !errors.Is(err, errInterrupted):
		return f, err
	case f.ID != "":
		return f, fmt.Errorf("left while the child was alive; the %s goes on on the server, and nothing was changed there", words.Kind(f.Kind))
	case s.sent:
		return f, fmt.Errorf("left before a child was seen, but %s had been sent: the server may have forked, or may yet, and its child goes on", s.trigger)
	}
	return f, errors.New("left before there was a fork; nothing was changed on the server")
}

func (s *session) phases(ctx context.Context) (f fork.Record, err error) {
	if err := s.attach(ctx); err != nil {
		return f, err
	}
	known := map[string]bool{}
	var started <-chan error // without a trigger nothing ever comes
	if s.trigger != "" {
		if err := s.calm(ctx); err != nil {
			return f, err
		}
		if err := s.agree(); err != nil {
			return f, err
		}
		for _, f := range s.server.Forks() {
			known[f.ID] = true
		}
		started = s.send(ctx)
	}
	if f, err = s.birth(ctx, known, started); err != nil {
		return f, err
	}
	if f, err = s.life(ctx, f); err != nil {
		return f, err
	}
	return s.tail(ctx, f)
}

// each calls look every lookEvery until look says that it is done, or somebody wants to
// leave.
func (s *session) each(ctx context.Context, look func(now time.Time) (done bool, err error)) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if done, err := look(time.Now()); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.interrupt:
			return errInterrupted
		case <-tick.C:
		}
	}
}

// attach waits until the server answers and its process is known.
func (s *session) attach(ctx context.Context) error {
	began := time.Now()
	return s.each(ctx, func(now time.Time) (bool, error) {
		st := s.server.State()
		s.Live("Looking for " + st.Addr + " …")
		switch {
		case st.Up && st.PID.Present():
			pid, _ := st.PID.Get()
			s.Say(fmt.Sprintf("Following %s, process %d.", st.Addr, pid))
			if st.ProcessProblem != "" {
				s.Say("Note: " + st.ProcessProblem + ".")
			}
			return true, nil
		case st.Up && st.ProcessProblem != "":
			return false, fmt.Errorf("a fork of %s can't be followed: %s", st.Addr, st.ProcessProblem)
		case now.Sub(began) >= attachWithin:
			return false, errors.New(st.Problem)
		}
		return false, nil
	})
}

// calm waits until the server has had no child for a while.
func (s *session) calm(ctx context.Context) error {
	since, said := time.Now(), false
	return s.each(ctx, func(now time.Time) (bool, error) {
		st := s.server.State()
		if len(st.Children) > 0 {
			since = now
			line := "A child is running already (" + words.Kind(st.Children[0].Kind) + "). Waiting for its end …"
			if !said && !s.Lives() {
				s.Say(line)
			}
			said = true
			s.Live(line)
			return false, nil
		}
		s.Live("Watching the server for a moment before it forks …")
		return now.Sub(since) >= settle, nil
	})
}

// kind returns what the trigger makes the server fork for.
func (s *session) kind() fork.Kind {
	if s.trigger == redisinfo.BGRewriteAOF {
		return fork.KindAOF
	}
	return fork.KindRDB
}

// agree says what the fork is expected to cost, and asks for a yes.
func (s *session) agree() error {
	st, host := s.server.State(), s.host()
	s.Say("\n" + forecastText(&st, forecast.Survive(&st, &host, forecast.OfKind(&st, s.kind())), s.SayWidth()))
	if s.yes {
		return nil
	}
	switch yes, stopped := s.Ask("Send "+string(s.trigger)+" now?", s.interrupt); {
	case stopped:
		return errInterrupted
	case !yes:
		return errors.New("that was no yes; nothing was started")
	}
	return nil
}

// forecastText returns what the fork that s is about is expected to cost the server st.
func forecastText(st *track.State, s forecast.Survival, width int) string {
	return terminal.Wrap(words.Head(st, &s)+", as far as it can be told beforehand:", width, 0) +
		terminal.Table(words.Outlook(&s), width) +
		terminal.Wrap("Will the server survive it? "+words.Answer(&s), width, 2)
}

// send starts the fork. It returns a channel for the answer, which comes when the
// server has forked.
func (s *session) send(ctx context.Context) <-chan error {
	s.sent = true
	answer := make(chan error, 1)
	s.starting.Go(func() { answer <- s.start(ctx) })
	return answer
}

// birth waits for a fork that is not among known and is seen from its beginning, and
// returns it.
func (s *session) birth(ctx context.Context, known map[string]bool, started <-chan error) (f fork.Record, err error) {
	began := time.Now()
	var answered time.Time
	if s.trigger == "" && !s.Lives() {
		s.Say("Waiting for its next fork.")
	}
	err = s.each(ctx, func(now time.Time) (bool, error) {
		for _, fork := range s.server.Forks() {
			if !known[fork.ID] && !fork.Partial {
				f = fork // the oldest, if there are two by now
			}
		}
		if f.ID != "" {
			return true, nil
		}
		select {
		case err := <-started:
			if err != nil {
				return false, err
			}
			answered = now
		default:
		}
		if st := s.server.State(); !st.Up && s.trigger == "" {
			s.Live("Waiting for the next fork of " + st.Addr + ", which does not answer: " + st.Problem)
			return false, nil
		}
		switch {
		case s.trigger == "":
			s.Live("Waiting for the next fork … " + roundSeconds(now.Sub(began).Seconds()) + "   Ctrl-C leaves")
		case answered.IsZero():
			s.Live("The server forks …")
		case now.Sub(answered) >= bornWithin:
			return false, fmt.Errorf("the server has answered %s, but no child of it was seen: its log says why", s.trigger)
		}
		return false, nil
	})
	return f, err
}

// life follows the fork f to its child's death, and returns its record when that is
// closed.
func (s *session) life(ctx context.Context, f fork.Record) (fork.Record, error) {
	told := time.Now()
	if !s.Lives() {
		s.Say(fmt.Sprintf("A child was born, process %d.", f.ChildPID))
	}
	err := s.each(ctx, func(now time.Time) (bool, error) {
		next, ok := s.find(f.ID)
		if !ok {
			return false, errors.New("the child turned out to be no fork of the server")
		}
		f = next
		if !f.Running() {
			return true, nil
		}
		st := s.server.State()
		p := progressOf(&f, &st, now)
		if f.LifetimeSeconds.Present() {
			s.Live("The child has ended. Asking the server for its own figures …")
			return false, nil
		}
		s.Live(p.line(s.LiveWidth()))
		if !s.Lives() && now.Sub(told) >= plainEvery {
			told = now
			s.Say(p.plain())
		}
		return false, nil
	})
	return f, err
}

// tail waits for the tail's end, which takes a minute at most; or until somebody
// does not want to.
func (s *session) tail(ctx context.Context, f fork.Record) (fork.Record, error) {
	if f.TailGoing(time.Now()) && !s.Lives() {
		s.Say("The child has ended: " + words.Ending(&f) + ". Following the tail, for a minute at most; Ctrl-C shows the report without it.")
	}
	err := s.each(ctx, func(now time.Time) (bool, error) {
		if next, ok := s.find(f.ID); ok {
			f = next
		}
		if !f.TailGoing(now) {
			return true, nil
		}
		s.Live("Ended: " + words.Ending(&f) + ". Tail " + roundSeconds(now.Sub(f.End()).Seconds()) + " of at most 60 s   Ctrl-C: report now")
		return false, nil
	})
	if errors.Is(err, errInterrupted) {
		err = nil
	}
	return f, err
}

func (s *session) find(id string) (fork.Record, bool) {
	for _, f := range s.server.Forks() {
		if f.ID == id {
			return f, true
		}
	}
	return fork.Record{}, false
}
