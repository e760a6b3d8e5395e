package check

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/terminal"
)

// Exit statuses.
const (
	StatusOK   = 0
	StatusWarn = 1 // something is no good, or unknown
	StatusFail = 2
	StatusAsk  = 3 // a server could not be asked
)

// Options say what to check.
type Options struct {
	Config fleet.Config
	JSON   bool
	// Forks gets the forks that a running exporter has seen; nil without one.
	Forks func(ctx context.Context) ([]fork.Record, error)

	Terminal  *terminal.Terminal
	Interrupt <-chan os.Signal // somebody wants to leave
}

const (
	// settle is how long a server is watched after it has answered: its rate of
	// writes takes two replies to INFO, and these come once a second.
	settle = 2500 * time.Millisecond
	// answerWithin is how long a server may take to answer for the first time.
	answerWithin = 10 * time.Second
	lookEvery    = 50 * time.Millisecond
	askWithin    = 5 * time.Second
)

// Run checks the servers and returns the exit status.
func Run(o Options) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-o.Interrupt:
			cancel()
		case <-ctx.Done():
		}
	}()
	reports, err := examine(ctx, &o)
	if err != nil {
		o.Terminal.Say("check: " + err.Error())
		return StatusAsk
	}
	text, err := render(&o, reports)
	if err == nil {
		err = o.Terminal.Print(text)
	}
	if err != nil {
		o.Terminal.Say("check: " + err.Error())
		return StatusAsk
	}
	status := StatusOK
	for _, r := range reports {
		status = max(status, r.status())
	}
	return status
}

// examine watches the servers for a while, asks them and returns a report on each.
func examine(ctx context.Context, o *Options) ([]Report, error) {
	watched, err := fleet.New(o.Config)
	if err != nil {
		return nil, err
	}
	defer watched.Close()
	watching, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- watched.Run(watching) }()
	o.Terminal.Live("Watching for a moment …")
	past, pastErr := pastForks(ctx, o)
	reports := atOnce(watched.Servers, func(s fleet.Server) Report {
		await(ctx, s.History)
		f := gather(ctx, watched, s, past)
		f.noPast = pastErr
		return judge(f)
	})
	stop()
	if err := <-ended; err != nil {
		return nil, err
	}
	return reports, ctx.Err()
}

// atOnce returns the reports on all servers, made together, so that they take no
// longer than the slowest.
func atOnce(servers []fleet.Server, report func(fleet.Server) Report) []Report {
	reports := make([]Report, len(servers))
	var making sync.WaitGroup
	for i, s := range servers {
		making.Go(func() { reports[i] = report(s) })
	}
	making.Wait()
	return reports
}

// pastForks returns the forks that a running exporter remembers, none without one.
func pastForks(ctx context.Context, o *Options) ([]fork.Record, error) {
	if o.Forks == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	return o.Forks(ctx)
}

// await waits until a server has been watched for a while, or has not answered for
// long enough.
func await(ctx context.Context, s *history.Server) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	began, answered := time.Now(), time.Time{}
	for {
		st, now := s.State(), time.Now()
		if answered.IsZero() && st.Up {
			answered = now
		}
		switch {
		case !answered.IsZero() && now.Sub(answered) >= settle:
			return
		case answered.IsZero() && now.Sub(began) >= answerWithin:
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
