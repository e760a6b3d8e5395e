package measure

import (
	"context"
	"os"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/terminal"
)

// Exit statuses.
const (
	StatusOK       = 0 // the fork was measured and ended well
	StatusFailed   = 1 // the fork was measured and failed, or was cancelled
	StatusUsage    = 2 // asked for what can't be
	StatusMeasured = 3 // no fork was measured
)

// Options say what to measure.
type Options struct {
	Config fleet.Config // with one target
	// Trigger is the command that starts the fork; "" waits for the next one.
	Trigger redisinfo.ForkCommand
	Yes     bool   // don't ask
	Output  string // file for the record; "" for none
	Show    string // file with a record to draw, instead of measuring

	Terminal  *terminal.Terminal
	Interrupt <-chan os.Signal // somebody wants to leave
}

// Run measures one fork, or shows one that was measured, and returns the exit
// status.
func Run(o Options) int {
	if o.Show != "" {
		return show(&o)
	}
	if o.Trigger != "" && !o.Yes && !o.Terminal.Asks() {
		o.Terminal.Say("measure: " + string(o.Trigger) + " needs a yes, and there is nobody at a terminal to ask: give --yes")
		return StatusUsage
	}
	f, err := follow(&o)
	if err != nil {
		o.Terminal.Say("measure: " + err.Error())
		return StatusMeasured
	}
	if err := o.Terminal.Print(Report(f, time.Now(), o.Terminal.Width(), o.Terminal.Color())); err != nil {
		o.Terminal.Say("measure: the report could not be written: " + err.Error())
		return StatusMeasured
	}
	return status(&f)
}

// follow watches the server until one fork of it has been measured, and returns its
// record.
func follow(o *Options) (fork.Record, error) {
	out, err := newOutput(o.Output)
	if err != nil {
		return fork.Record{}, err
	}
	defer out.discard()
	watched, err := fleet.New(o.Config)
	if err != nil {
		return fork.Record{}, err
	}
	defer watched.Close()
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cancel(watched.Run(ctx))
	}()
	target := watched.Servers[0]
	s := &session{
		Terminal:  o.Terminal,
		interrupt: o.Interrupt,
		server:    target.History,
		host:      func() limits.Host { return watched.Store.Snapshot().Host },
		trigger:   o.Trigger,
		yes:       o.Yes,
		start:     func(ctx context.Context) error { return redisinfo.StartFork(ctx, target.Options, o.Trigger) },
	}
	f, err := s.run(ctx)
	cancel(nil)
	<-ended
	if err == nil {
		err = out.write(f)
	}
	return f, err
}

// status returns the exit status for the outcome of f.
func status(f *fork.Record) int {
	switch f.Outcome {
	case fork.OutcomeOK, fork.OutcomeUnknown, "":
		return StatusOK // what nobody could tell is no failure
	case fork.OutcomeFailed, fork.OutcomeKilled, fork.OutcomeOOM, fork.OutcomeCancelled, fork.OutcomeServerDied:
	}
	return StatusFailed
}
