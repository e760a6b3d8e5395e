package watch

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// TestLastReply: the loop was busy while a server answered and then died. What it said goes
// before its end: the duration is the fork's.
func TestLastReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newWorld()
		ctx, cancel := context.WithCancel(t.Context())
		w := New(Options{
			Name: "s", Redis: m, Machine: m, Processes: &registry{}, Server: history.New().AddServer("s", ""),
			Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), CPUTime: m.cpuTime,
		})
		defer w.followers.Wait()
		defer close(w.done)
		defer cancel()
		reply := func() {
			select {
			case <-w.asks:
			default:
			}
			info, _ := m.Info(ctx)
			answer{sent: time.Now(), at: time.Now(), info: info}.happen(ctx, w)
		}
		w.apply(ctx, track.Second{})
		reply() // finds the process
		reply() // forks count from here
		m.fork(200, 2*time.Millisecond)
		(<-w.events).happen(ctx, w) // the birth
		if only(t, w.opts.Server).ChildPID != 200 {
			t.Fatal("the child is not followed")
		}
		m.procs[serverPID].exit(killed)
		reply()
		if stall := only(t, w.opts.Server).StallSeconds; stall != opt.Of(0.002) {
			t.Errorf("stall %v, want 2 ms", stall)
		}
		w.serverExited(ctx)
		if err := w.opts.Server.Check(); err != nil {
			t.Error(err)
		}
	})
}
