package watch

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// registry gives every process to whoever asks, once taken is closed or where it is nil.
type registry struct {
	taken chan struct{}

	mu     sync.Mutex // guards claims
	claims map[proc.ID]int
}

func (r *registry) Claim(id proc.ID, server string) (string, <-chan struct{}) {
	if r.taken != nil && !isClosed(r.taken) {
		return "other", r.taken
	}
	r.count(id, 1)
	return server, nil
}

func (r *registry) Release(id proc.ID, _ string) { r.count(id, -1) }

func (r *registry) count(id proc.ID, by int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claims == nil {
		r.claims = map[proc.ID]int{}
	}
	r.claims[id] += by
}

// claimed returns how many processes are claimed, and how many of those more than once.
func (r *registry) claimed() (now, twice int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.claims {
		if n > 0 {
			now++
		}
		if n > 1 || n < 0 {
			twice++
		}
	}
	return now, twice
}

// A process that belongs to another server is not followed until that lets it go.
func TestTakenProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := newWorld(), &registry{taken: make(chan struct{})}
		var log bytes.Buffer
		s := run(t, w, func(o *Options) { o.Processes, o.Logger = r, slog.New(slog.NewTextHandler(&log, nil)) })
		time.Sleep(time.Minute) // several searches
		w.wholeSave(200, 300*time.Millisecond)
		if st := s.State(); st.Available[fork.SourceProcess] || st.PID.Present() || st.ProcessProblem != words.Taken(serverPID, "other") {
			t.Errorf("process %v, problem %q", st.PID, st.ProcessProblem)
		}
		if n := s.State().Totals.UnobservedChild; n != 1 {
			t.Errorf("%d forks unobserved, want the one", n)
		}
		close(r.taken)
		time.Sleep(time.Second)
		if st := s.State(); !st.Available[fork.SourceProcess] || st.PID.Or(0) != serverPID || st.ProcessProblem != "" {
			t.Errorf("the process is free, and: process %v, problem %q", st.PID, st.ProcessProblem)
		}
		w.wholeSave(201, 300*time.Millisecond)
		invariant(t, s, 2)
		if n := strings.Count(log.String(), "is followed as server"); n != 1 {
			t.Errorf("said %d times, want once:\n%s", n, log.String())
		}
	})
}

// A claim lasts as long as the process is the server.
func TestClaimEndsWithTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := newWorld(), &registry{}
		run(t, w, func(o *Options) { o.Processes = r })
		time.Sleep(time.Second)
		if now, twice := r.claimed(); now != 1 || twice != 0 {
			t.Errorf("%d claims, %d of them counted wrong; want 1", now, twice)
		}
		w.mu.Lock()
		p := w.procs[serverPID]
		w.mu.Unlock()
		p.exit(exitOK)
		p.reap()
		time.Sleep(10 * time.Millisecond)
		if now, twice := r.claimed(); now != 0 || twice != 0 {
			t.Errorf("%d claims, %d of them counted wrong; the process has ended", now, twice)
		}
	})
}
