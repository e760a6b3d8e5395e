package measure

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/terminal"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/storetest"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// played is a session whose server is played by the test.
type played struct {
	*testing.T
	*session
	server    *storetest.Server
	said      *bytes.Buffer
	interrupt chan os.Signal
	starts    atomic.Int32
}

func play(t *testing.T, columns int, answer string) *played {
	p := &played{T: t, server: storetest.New(history.New().AddServer("s", "h:1")), said: &bytes.Buffer{}, interrupt: make(chan os.Signal, 1)}
	width := func() int { return columns }
	p.session = &session{
		Terminal:  terminal.Make(terminal.Files{In: strings.NewReader(answer), Out: p.said, Err: p.said, OutWidth: width, ErrWidth: width}),
		interrupt: p.interrupt,
		server:    p.server.Server,
		host:      func() limits.Host { return limits.Host{} },
		start: func(context.Context) error {
			p.starts.Add(1)
			time.Sleep(lookEvery / 10) // a server answers later than it is asked
			return nil
		},
	}
	return p
}

// up makes the server answer, and its process known.
func (p *played) up() {
	p.server.Up(redisinfo.Info{})
	p.server.Process(42, opt.Val[time.Time]{})
}

func (p *played) born(pid int) string { return p.server.Born(pid, fork.KindRDB) }

// dies ends a child whose copies were counted: its tail goes on.
func (p *played) dies(id string, o fork.Outcome) {
	p.server.Copies(id, fork.Copies{Time: time.Now(), Faults: opt.Of(uint64(9))})
	p.server.Died(id, time.Now())
	time.Sleep(300 * time.Millisecond)
	p.server.End(id, o)
}

// result is what run returned.
type result struct {
	fork fork.Record
	err  error
	took time.Duration
}

// begin runs the session; the answer comes when it ends.
func (p *played) begin() <-chan result {
	out, began := make(chan result, 1), time.Now()
	go func() {
		f, err := p.run(p.Context())
		out <- result{f, err, time.Since(began)}
	}()
	time.Sleep(lookEvery / 2) // what happens from here on does not fall together with a look
	return out
}

func (p *played) wants(r result, text string) {
	p.Helper()
	if r.err == nil || !strings.Contains(r.err.Error(), text) {
		p.Errorf("error %v, want %q", r.err, text)
	}
}

func (p *played) saidAll(texts ...string) {
	p.Helper()
	for _, text := range texts {
		if !strings.Contains(p.said.String(), text) {
			p.Errorf("%q was not said, but\n%s", text, p.said)
		}
	}
}

// bubble runs a test in time that passes at once.
func bubble(t *testing.T, columns int, answer string, f func(*played)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(play(t, columns, answer)) })
}

func TestNextFork(t *testing.T) {
	bubble(t, 0, "", func(p *played) {
		done := p.begin()
		time.Sleep(time.Second)
		p.up()
		time.Sleep(time.Minute)
		id := p.born(7)
		time.Sleep(12 * time.Second)
		p.dies(id, fork.OutcomeOK)
		time.Sleep(20 * time.Second)
		p.server.Happen(track.Tailed{ID: id, Tail: fork.Tail{Seconds: 20, Faults: 5}})
		r := <-done
		if r.err != nil || r.fork.ID != id || r.fork.Outcome != fork.OutcomeOK || !r.fork.Tail.Present() {
			t.Errorf("%+v", r)
		}
		p.saidAll("Following h:1, process 42.", "Waiting for its next fork.", "A child was born, process 7.",
			"RDB save: 5.0", "RDB save: 10.", "The child has ended: ok after 12.0 s. Following the tail")
	})
}

// Children that were there before are not the next fork.
func TestNotTheRunningFork(t *testing.T) {
	bubble(t, 0, "", func(p *played) {
		p.up()
		old := p.server.BornAs(track.Born{PID: 1, Start: time.Now(), Seen: time.Now(), Partial: true}, fork.KindRDB)
		done := p.begin()
		time.Sleep(5 * time.Second)
		p.dies(old, fork.OutcomeOK)
		id := p.born(2)
		time.Sleep(time.Second)
		p.dies(id, fork.OutcomeCancelled)
		p.server.Happen(track.Tailed{ID: id, Tail: fork.Tail{Seconds: 1}})
		if r := <-done; r.err != nil || r.fork.ID != id {
			t.Errorf("%+v, want fork %s", r, id)
		}
	})
}

func TestTrigger(t *testing.T) {
	for _, yes := range []bool{false, true} {
		bubble(t, 80, "y\n", func(p *played) {
			p.trigger, p.yes = redisinfo.BGSave, yes
			p.up()
			known := p.born(1)
			p.dies(known, fork.OutcomeOK)
			running := p.born(2)
			done := p.begin()
			time.Sleep(10 * time.Second)
			if p.starts.Load() != 0 {
				t.Error("started while a child was running")
			}
			p.dies(running, fork.OutcomeOK)
			time.Sleep(settle + time.Second)
			if p.starts.Load() != 1 {
				t.Fatalf("started %d times", p.starts.Load())
			}
			id := p.born(3)
			time.Sleep(time.Second)
			p.dies(id, fork.OutcomeFailed)
			time.Sleep(time.Second)
			p.server.Happen(track.Tailed{ID: id, Tail: fork.Tail{Seconds: 1}})
			if r := <-done; r.err != nil || r.fork.ID != id || p.starts.Load() != 1 {
				t.Errorf("%+v after %d starts, want fork %s", r, p.starts.Load(), id)
			}
			p.saidAll("A child is running already (RDB save)", "The next RDB save of h:1", "not known", "The server forks …", "RDB save  950 ms", "Ended: failed with exit status 1 after 1.00 s. Tail ")
			if asked := strings.Contains(p.said.String(), "Send BGSAVE now? [y/N]"); asked == yes {
				t.Errorf("asked: %v, with --yes: %v", asked, yes)
			}
		})
	}
}

func TestNo(t *testing.T) {
	for _, answer := range []string{"n\n", "\n", ""} {
		bubble(t, 80, answer, func(p *played) {
			p.trigger = redisinfo.BGSave
			p.up()
			p.wants(<-p.begin(), "that was no yes; nothing was started")
			if p.starts.Load() != 0 {
				t.Error("started all the same")
			}
		})
	}
}

func TestTriggerRefused(t *testing.T) {
	bubble(t, 80, "", func(p *played) {
		p.trigger, p.yes = redisinfo.BGSave, true
		p.start = func(context.Context) error { return errors.New("the server refused BGSAVE") }
		p.up()
		p.wants(<-p.begin(), "the server refused BGSAVE")
	})
}

// The server says that it has forked, and there is no child.
func TestTriggerWithoutAChild(t *testing.T) {
	bubble(t, 80, "", func(p *played) {
		p.trigger, p.yes = redisinfo.BGSave, true
		p.up()
		r := <-p.begin()
		p.wants(r, "no child of it was seen")
		if r.took < bornWithin || r.took > bornWithin+settle+time.Second {
			t.Errorf("gave up after %s", r.took)
		}
	})
}

func TestNoServer(t *testing.T) {
	bubble(t, 80, "", func(p *played) {
		p.server.Down("connection refused")
		r := <-p.begin()
		p.wants(r, "connection refused")
		if r.took < attachWithin {
			t.Errorf("gave up after %s", r.took)
		}
	})
	bubble(t, 80, "", func(p *played) {
		p.server.Happen(track.NotFound{Problem: "it runs on another machine"})
		p.server.Up(redisinfo.Info{})
		r := <-p.begin()
		p.wants(r, "a fork of h:1 can't be followed: it runs on another machine")
		if r.took > time.Second {
			t.Errorf("gave up after %s only", r.took)
		}
	})
}

func TestCtrlC(t *testing.T) {
	nothing := "left before there was a fork; nothing was changed on the server"
	bubble(t, 80, "", func(p *played) { // while it looks for the server
		done := p.begin()
		time.Sleep(time.Second)
		p.interrupt <- os.Interrupt
		p.wants(<-done, nothing)
	})
	bubble(t, 80, "", func(p *played) { // while it waits for a fork
		p.up()
		done := p.begin()
		time.Sleep(time.Hour)
		p.interrupt <- os.Interrupt
		p.wants(<-done, nothing)
	})
	bubble(t, 80, "", func(p *played) { // before the trigger
		p.trigger, p.yes = redisinfo.BGSave, true
		p.up()
		done := p.begin()
		time.Sleep(settle / 2)
		p.interrupt <- os.Interrupt
		p.wants(<-done, nothing)
	})
	sent := "left before a child was seen, but BGSAVE had been sent"
	bubble(t, 80, "", func(p *played) { // while the server forks
		p.trigger, p.yes = redisinfo.BGSave, true
		p.start = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		p.up()
		done := p.begin()
		time.Sleep(settle + 5*time.Second)
		p.interrupt <- os.Interrupt
		p.wants(<-done, sent)
	})
	bubble(t, 80, "", func(p *played) { // when it has forked, and the child is not seen yet
		p.trigger, p.yes = redisinfo.BGSave, true
		p.up()
		done := p.begin()
		time.Sleep(settle + time.Second)
		p.interrupt <- os.Interrupt
		p.wants(<-done, sent)
	})
	bubble(t, 80, "", func(p *played) { // while the child lives
		p.up()
		done := p.begin()
		time.Sleep(time.Second)
		p.born(1)
		time.Sleep(time.Second)
		p.interrupt <- os.Interrupt
		p.wants(<-done, "the RDB save goes on on the server")
	})
	bubble(t, 80, "", func(p *played) { // in the tail: that is a report without it
		p.up()
		done := p.begin()
		time.Sleep(time.Second)
		id := p.born(1)
		time.Sleep(time.Second)
		p.dies(id, fork.OutcomeOK)
		time.Sleep(10 * time.Second)
		p.interrupt <- os.Interrupt
		r := <-done
		if r.err != nil || r.fork.Outcome != fork.OutcomeOK || r.fork.Tail.Present() || r.took > 15*time.Second {
			t.Errorf("%+v", r)
		}
		p.saidAll("Ended: ok after 1.00 s. Tail 10 s of at most 60 s   Ctrl-C: report now")
	})
}

// A tail that never ends is given up.
func TestTailWithoutAnEnd(t *testing.T) {
	bubble(t, 80, "", func(p *played) {
		p.up()
		done := p.begin()
		time.Sleep(time.Second)
		id := p.born(1)
		p.dies(id, fork.OutcomeOK)
		if r := <-done; r.err != nil || r.took > 70*time.Second {
			t.Errorf("%+v", r)
		}
	})
}

func TestDroppedFork(t *testing.T) {
	bubble(t, 80, "", func(p *played) {
		p.up()
		done := p.begin()
		time.Sleep(time.Second)
		id := p.born(1)
		time.Sleep(time.Second)
		p.server.Drop(id)
		p.wants(<-done, "no fork of the server")
	})
}

// What ends the watching ends the session.
func TestWatchingEnds(t *testing.T) {
	bubble(t, 80, "", func(p *played) {
		ctx, cancel := context.WithCancelCause(context.Background())
		done := make(chan error, 1)
		go func() {
			_, err := p.run(ctx)
			done <- err
		}()
		time.Sleep(time.Second)
		cancel(errors.New("the poller has failed"))
		if err := <-done; err == nil || err.Error() != "the poller has failed" {
			t.Errorf("error %v", err)
		}
	})
}

func TestStatus(t *testing.T) {
	for outcome, want := range map[fork.Outcome]int{
		fork.OutcomeOK: 0, fork.OutcomeUnknown: 0, "": 0,
		fork.OutcomeFailed: 1, fork.OutcomeKilled: 1, fork.OutcomeOOM: 1, fork.OutcomeCancelled: 1, fork.OutcomeServerDied: 1,
	} {
		if got := status(&fork.Record{Outcome: outcome}); got != want {
			t.Errorf("%q: status %d, want %d", outcome, got, want)
		}
	}
}
