package watch

import (
	"bytes"
	"log/slog"
	"math"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

const (
	exitOK        = syscall.WaitStatus(0)
	exitOne       = syscall.WaitStatus(1 << 8)
	exitCancelled = syscall.WaitStatus(255 << 8)
	killed        = syscall.WaitStatus(syscall.SIGKILL)
	segfault      = syscall.WaitStatus(syscall.SIGSEGV)
	cancelledOld  = syscall.WaitStatus(syscall.SIGUSR1)
)

// only returns the one fork there is.
func only(t *testing.T, s *history.Server) fork.Record {
	t.Helper()
	forks := s.Forks()
	if len(forks) != 1 {
		t.Fatalf("%d forks, want 1: %+v", len(forks), forks)
	}
	return forks[0]
}

// invariant checks that every fork the server counted since the start is in both accounts.
func invariant(t *testing.T, s *history.Server, forks uint64) {
	t.Helper()
	total := s.State().Totals
	var children uint64
	for _, n := range total.Children {
		children += n
	}
	if got := children + total.UnobservedChild; got != forks {
		t.Errorf("%d children + %d unobserved = %d, want %d", children, total.UnobservedChild, got, forks)
	}
	if got := total.Stall.Count + total.UnobservedDuration; got != forks {
		t.Errorf("%d durations + %d unobserved = %d, want %d", total.Stall.Count, total.UnobservedDuration, got, forks)
	}
}

func TestLifeOfASave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := run(t, w)
		time.Sleep(5 * time.Second)
		birth := time.Now()
		child := w.save(200, 12*time.Millisecond)
		child.set(func() { child.dirty = 1 << 20 })
		time.Sleep(30 * time.Millisecond)
		child.set(func() { child.title = "redis-rdb-bgsave *:6379" })
		time.Sleep(2 * time.Second)
		st := s.State()
		if len(st.Children) != 1 || st.Children[0].Kind != fork.KindRDB {
			t.Fatalf("children while it runs: %+v", st.Children)
		}
		if sample, _ := st.Children[0].Sample.Get(); sample.PrivateDirty != 1<<20 {
			t.Errorf("sample %+v", sample)
		}
		child.set(func() {
			child.dirty = 300 << 20
			w.procs[serverPID].faults += 299 << 20 / 4096
		})
		w.change(func(i *redisinfo.Info) {
			i.CurrentCOWBytes, i.CurrentCOWAgeSeconds = opt.Of(uint64(290<<20)), opt.Of(int64(1))
		})
		time.Sleep(3 * time.Second)
		child.exit(exitOK)
		time.Sleep(80 * time.Millisecond)
		w.change(func(i *redisinfo.Info) {
			i.BGSaveInProgress, i.RDBLastCOWBytes, i.CurrentCOWBytes = opt.Of(false), opt.Of(uint64(301<<20)), opt.Of(uint64(0))
		})
		child.reap()
		time.Sleep(time.Second)

		f := only(t, s)
		if f.Kind != fork.KindRDB || f.Outcome != fork.OutcomeOK || f.Partial {
			t.Errorf("record %+v", f)
		}
		if f.StallSeconds != opt.Of(0.012) {
			t.Errorf("stall %v", f.StallSeconds)
		}
		if !f.Start.Equal(birth) {
			t.Errorf("start %v, want %v", f.Start, birth)
		}
		if life := f.LifetimeSeconds.Or(0); life != 5.03 {
			t.Errorf("lifetime %v", life)
		}
		if f.PeakBytes != opt.Of(uint64(300<<20)) || f.ReportedCOWBytes != opt.Of(uint64(301<<20)) {
			t.Errorf("peak %v, reported %v", f.PeakBytes, f.ReportedCOWBytes)
		}
		if f.CPUSeconds != opt.Of(2.0) || f.WrittenBytes != opt.Of(uint64(4096)) {
			t.Errorf("cpu %v, written %v", f.CPUSeconds, f.WrittenBytes)
		}
		if n := len(f.Curve); n < 19 || n > 22 {
			t.Errorf("%d points in 5 s at 250 ms", n)
		}
		if len(f.Reported) != 1 || f.Reported[0].COWBytes != 290<<20 {
			t.Errorf("reported points %+v", f.Reported)
		}
		if got := s.State().Totals.ChildSeconds[fork.KindRDB]; got < 5 || got > 5.1 {
			t.Errorf("child seconds %v", got)
		}
		if f.CopiedBytes != opt.Of(uint64(299<<20)) || f.CopiedSource != fork.SourceCounters || f.CopyStallSeconds.Present() {
			t.Errorf("copied %v by %s, in %v", f.CopiedBytes, f.CopiedSource, f.CopyStallSeconds)
		}
		if got := s.State().Totals.CopiedBytes; got != 299<<20 {
			t.Errorf("copied bytes in all %d", got)
		}
		if got := s.State().Totals.ForkedBytes; got != 1<<30 {
			t.Errorf("forked bytes %v", got)
		}
		invariant(t, s, 1)
	})
}

func TestOutcomes(t *testing.T) {
	for _, test := range []struct {
		name   string
		status syscall.WaitStatus
		oom    bool
		want   fork.Outcome
		reason fork.Reason
	}{
		{"exit 0", exitOK, false, fork.OutcomeOK, ""},
		{"exit 1", exitOne, false, fork.OutcomeFailed, fork.ReasonExit},
		{"exit 255 is the server's own cancellation", exitCancelled, false, fork.OutcomeCancelled, ""},
		{"SIGUSR1 is that of servers before 6.0", cancelledOld, false, fork.OutcomeCancelled, ""},
		{"SIGKILL", killed, false, fork.OutcomeKilled, fork.ReasonSignal},
		{"SIGKILL with a rise of oom_kill", killed, true, fork.OutcomeOOM, fork.ReasonOOM},
		{"SIGSEGV with a rise of oom_kill elsewhere", segfault, true, fork.OutcomeKilled, fork.ReasonSignal},
	} {
		for _, late := range []bool{false, true} {
			name := test.name
			if late {
				name += ", told after the reaping only"
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					s := run(t, w)
					time.Sleep(2 * time.Second)
					child := w.save(200, time.Millisecond)
					child.set(func() { child.title, child.onlyAfter = "redis-rdb-bgsave", late })
					time.Sleep(time.Second)
					if test.oom {
						child.set(func() { w.oomKills++ })
					}
					child.exit(test.status)
					time.Sleep(50 * time.Millisecond)
					child.reap()
					time.Sleep(time.Second)
					f := only(t, s)
					if f.Outcome != test.want {
						t.Errorf("outcome %s, want %s", f.Outcome, test.want)
					}
					total := s.State().Totals
					for _, r := range fork.Reasons {
						want := uint64(0)
						if r == test.reason {
							want = 1
						}
						if got := total.Failed[fork.KindRDB][r]; got != want {
							t.Errorf("failed{reason=%s} = %d, want %d", r, got, want)
						}
					}
					if got, want := total.Cancelled[fork.KindRDB] == 1, test.want == fork.OutcomeCancelled; got != want {
						t.Errorf("cancelled = %v, want %v", got, want)
					}
					invariant(t, s, 1)
				})
			})
		}
	}
}

// Where the kernel tells nothing, INFO may; and where INFO says nothing either,
// the outcome is unknown and not ok.
func TestOutcomeFromInfo(t *testing.T) {
	for _, test := range []struct {
		name  string
		after func(*redisinfo.Info)
		want  fork.Outcome
	}{
		{"a newer save", func(i *redisinfo.Info) { i.LastSaveTime = opt.Of(time.Now().Unix()) }, fork.OutcomeOK},
		{"status turned to err", func(i *redisinfo.Info) { i.LastBGSaveOK = opt.Of(false) }, fork.OutcomeFailed},
		{"nothing changed: cancelled perhaps", func(*redisinfo.Info) {}, fork.OutcomeUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				s := run(t, w)
				time.Sleep(2 * time.Second)
				child := w.save(200, time.Millisecond)
				child.set(func() { child.title = "redis-rdb-bgsave" })
				time.Sleep(2 * time.Second)
				w.change(func(i *redisinfo.Info) { i.BGSaveInProgress = opt.Of(false); test.after(i) })
				child.vanish()
				time.Sleep(time.Second)
				if f := only(t, s); f.Outcome != test.want {
					t.Errorf("outcome %s, want %s", f.Outcome, test.want)
				}
			})
		})
	}
}

func TestServerDies(t *testing.T) {
	for _, test := range []struct {
		name string
		ends func(server, child *fakeProcess)
		want fork.Outcome
	}{
		{"the server first, its child a moment later", func(server, child *fakeProcess) {
			server.exit(killed)
			time.Sleep(150 * time.Millisecond)
			child.exit(exitOne)
		}, fork.OutcomeServerDied},
		{"both killed at once, the child seen first", func(server, child *fakeProcess) {
			child.exit(killed)
			time.Sleep(time.Millisecond)
			server.exit(killed)
		}, fork.OutcomeServerDied},
		{"SHUTDOWN: the server cancels its child and goes", func(server, child *fakeProcess) {
			child.exit(exitCancelled)
			time.Sleep(time.Millisecond)
			server.exit(exitOK)
		}, fork.OutcomeCancelled},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				s := run(t, w)
				time.Sleep(2 * time.Second)
				child := w.save(200, time.Millisecond)
				time.Sleep(time.Second)
				server := w.procs[serverPID]
				child.set(func() { w.infoErr = &redisinfo.Error{Reason: redisinfo.ReasonUnreachable} })
				test.ends(server, child)
				child.reap()
				server.reap()
				time.Sleep(20 * time.Second)
				if f := only(t, s); f.Outcome != test.want {
					t.Errorf("outcome %s, want %s", f.Outcome, test.want)
				}
				st := s.State()
				if st.Up || st.Available[fork.SourceProcess] || st.PID.Present() {
					t.Errorf("state of a dead server: %+v", st)
				}
				invariant(t, s, 1)

				// It comes back under a new pid, and has already forked twice.
				w.mu.Lock()
				w.spawn(300, 1, "redis-server")
				w.infoErr = nil
				w.info.RunID, w.info.ProcessID, w.info.TotalForks = "run-2", opt.Of(300), opt.Of(uint64(2))
				w.mu.Unlock()
				time.Sleep(2 * time.Second)
				st = s.State()
				if !st.Up || st.PID != opt.Of(300) {
					t.Errorf("the new run was not found: %+v", st)
				}
				invariant(t, s, 3)
			})
		})
	}
}

func TestKinds(t *testing.T) {
	for _, test := range []struct {
		name  string
		title string
		after func(*redisinfo.Info)
		want  fork.Kind
	}{
		{"save", "redis-rdb-bgsave *:6379", func(i *redisinfo.Info) { i.BGSaveInProgress = opt.Of(true) }, fork.KindRDB},
		{"Valkey's save", "valkey-rdb-bgsave *:6379", nil, fork.KindRDB},
		{"rewrite", "redis-aof-rewrite *:6379", nil, fork.KindAOF},
		{"diskless sync", "redis-rdb-to-slaves *:6379", nil, fork.KindReplication},
		{"Valkey's diskless sync", "valkey-rdb-to-replicas *:6379", nil, fork.KindReplication},
		{"module", "redis-module-fork *:6379", nil, fork.KindModule},
		{"slot migration", "valkey-slot-migration-to-target *:6379", nil, fork.KindSlotMigration},
		{"disk-based sync", "redis-rdb-bgsave *:6379", func(i *redisinfo.Info) { i.ReplicasWaiting = opt.Of(1) }, fork.KindReplication},
		{"no title, flag rdb", "redis-server *:6379", func(i *redisinfo.Info) { i.BGSaveInProgress = opt.Of(true) }, fork.KindRDB},
		{"no title, flag aof", "redis-server *:6379", func(i *redisinfo.Info) { i.AOFRewriteInProgress = opt.Of(true) }, fork.KindAOF},
		{"no title, flag module", "redis-server *:6379", func(i *redisinfo.Info) { i.ModuleForkInProgress = opt.Of(true) }, fork.KindModule},
		{"no title, one attempt at a save", "redis-server *:6379", func(i *redisinfo.Info) { i.RDBSaves = opt.Of(uint64(4)) }, fork.KindRDB},
		{"no title, nothing known", "redis-server *:6379", nil, fork.KindUnknown},
		{"no title, two flags: not guessed", "redis-server *:6379", func(i *redisinfo.Info) {
			i.BGSaveInProgress, i.AOFRewriteInProgress = opt.Of(true), opt.Of(true)
		}, fork.KindUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				s := run(t, w)
				time.Sleep(2 * time.Second)
				child := w.fork(200, time.Millisecond)
				if test.after != nil {
					w.change(test.after)
				}
				child.set(func() { child.title = test.title })
				time.Sleep(3 * time.Second)
				if f := only(t, s); f.Kind != test.want {
					t.Errorf("kind %s, want %s", f.Kind, test.want)
				}
			})
		})
	}
}

func TestChildrenThatAreNoForks(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(w *world)
	}{
		{"an orphan adopted by a server that is PID 1", func(w *world) { w.spawn(200, serverPID, "sh") }},
		{"a small helper of the same name", func(w *world) { w.spawn(200, serverPID, "redis-server").size = 1 << 20 }},
		{"another program of the server's name and size", func(w *world) {
			w.spawn(200, serverPID, "redis-server").executable = "/usr/local/bin/redis-server"
		}},
		{"a helper seen before its exec, which the server does not count", func(w *world) {
			p := w.spawn(200, serverPID, "redis-server")
			go func() {
				time.Sleep(15 * time.Millisecond)
				p.set(func() { p.name, p.size = "sh", 1<<20 })
			}()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				s := run(t, w)
				time.Sleep(2 * time.Second)
				w.mu.Lock()
				test.make(w)
				w.mu.Unlock()
				time.Sleep(5 * time.Second)
				if forks := s.Forks(); len(forks) != 0 {
					t.Errorf("forks: %+v", forks)
				}
				invariant(t, s, 0)
			})
		})
	}
}

func TestPartial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		child := w.save(200, time.Millisecond)
		child.title = "redis-rdb-bgsave"
		time.Sleep(10 * time.Second)
		s := run(t, w)
		time.Sleep(2 * time.Second)
		child.exit(exitOK)
		child.reap()
		time.Sleep(time.Second)
		f := only(t, s)
		if !f.Partial || f.Outcome != fork.OutcomeOK || f.StallSeconds.Present() || f.LifetimeSeconds != opt.Of(12.0) {
			t.Errorf("record %+v", f)
		}
		total := s.State().Totals
		if total.Stall.Count != 0 || total.PeakRatio.Count != 0 || total.UnobservedChild != 0 || total.UnobservedDuration != 0 {
			t.Errorf("a fork that began before the exporter is in the totals: %+v", total)
		}
		if got := total.ChildSeconds[fork.KindRDB]; got > 2.1 {
			t.Errorf("%v seconds with a child alive were seen, only 2 could be", got)
		}
	})
}

// INFO is asked once a second when nothing happens.
func TestInfoRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		run(t, w)
		time.Sleep(60*time.Second + time.Millisecond)
		w.mu.Lock()
		defer w.mu.Unlock()
		if n := len(w.asked); n < 60 || n > 62 {
			t.Errorf("INFO was asked %d times in a minute", n)
		}
	})
}

// A server that hangs is down after a second, is not asked again and again, and
// is up with its answer.
func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := run(t, w)
		time.Sleep(3 * time.Second)
		if !s.State().Up {
			t.Fatal("not up before the hang")
		}
		w.mu.Lock()
		w.hang = true
		before := len(w.asked)
		w.mu.Unlock()
		time.Sleep(4 * time.Second)
		st := s.State()
		if st.Up || st.Problem == "" {
			t.Errorf("up %v, problem %q", st.Up, st.Problem)
		}
		w.mu.Lock()
		if n := len(w.asked) - before; n > 2 {
			t.Errorf("a hanging server was asked %d times in 4 s", n)
		}
		w.hang = false
		w.mu.Unlock()
		time.Sleep(10 * time.Second)
		if st := s.State(); !st.Up || st.Problem != "" {
			t.Errorf("up %v, problem %q after the hang", st.Up, st.Problem)
		}
		timeouts := s.State().Totals.ReadErrors[track.ReadError{Source: fork.SourceInfo, Reason: "timeout"}]
		if timeouts != 1 {
			t.Errorf("%d timeouts counted, want 1", timeouts)
		}
	})
}

// A server that is slow to answer after a fork does not lose the record.
func TestRecordClosesWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := run(t, w)
		time.Sleep(2500 * time.Millisecond) // between two INFOs
		child := w.save(200, 7*time.Millisecond)
		w.mu.Lock()
		w.hang = true
		child.title = "redis-rdb-bgsave"
		w.mu.Unlock()
		time.Sleep(time.Second)
		child.exit(exitOK)
		child.reap()
		time.Sleep(20 * time.Second)
		if f := only(t, s); f.Outcome != fork.OutcomeOK || f.StallSeconds.Present() {
			t.Errorf("record %+v", f)
		}
		w.mu.Lock()
		w.hang = false
		w.mu.Unlock()
		time.Sleep(10 * time.Second)
		invariant(t, s, 1) // the duration arrived after the record was closed, and still counts
		if n := s.State().Totals.Stall.Count; n != 1 {
			t.Errorf("%d stalls observed, want 1", n)
		}
	})
}

func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := run(t, w)
		time.Sleep(2 * time.Second)
		w.change(func(i *redisinfo.Info) { i.RDBSaves, i.LastBGSaveOK = opt.Of(uint64(4)), opt.Of(false) })
		time.Sleep(2 * time.Second)
		w.change(func(i *redisinfo.Info) { i.RDBSaves = opt.Of(uint64(6)) })
		time.Sleep(2 * time.Second)
		w.change(func(i *redisinfo.Info) { i.AOFRewrites, i.LastAOFRewriteOK = opt.Of(uint64(1)), opt.Of(false) })
		time.Sleep(2 * time.Second)
		total := s.State().Totals
		if total.Refused[fork.KindRDB] != 3 || total.Refused[fork.KindAOF] != 1 {
			t.Errorf("refused %v, want rdb 3 and aof 1", total.Refused)
		}
		invariant(t, s, 0)
	})
}

func TestFailedSaveIsNotRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := run(t, w)
		time.Sleep(2 * time.Second)
		child := w.save(200, time.Millisecond)
		time.Sleep(100 * time.Millisecond)
		child.exit(exitOne)
		w.change(func(i *redisinfo.Info) { i.LastBGSaveOK, i.BGSaveInProgress = opt.Of(false), opt.Of(false) })
		child.reap()
		time.Sleep(2 * time.Second)
		if n := s.State().Totals.Refused[fork.KindRDB]; n != 0 {
			t.Errorf("refused %d, want 0", n)
		}
		invariant(t, s, 1)
	})
}

// Reads of the child's memory stay within the budget, whatever one read costs.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.readCost = 100 * time.Millisecond
		s := run(t, w)
		time.Sleep(2 * time.Second)
		w.save(200, time.Millisecond)
		const life = 5 * time.Minute
		time.Sleep(life)
		total := s.State().Totals
		spent := total.ReadSeconds[fork.SourceChildSmaps]
		if limit := 0.01*life.Seconds() + 0.02 + w.readCost.Seconds(); spent > limit {
			t.Errorf("reads took %.2f s in %s, the budget allows %.2f", spent, life, limit)
		}
		if spent < 0.01*life.Seconds()*0.8 {
			t.Errorf("reads took %.2f s in %s: the budget is not used", spent, life)
		}
		if total.ReadsDeferred[fork.SourceChildSmaps] == 0 {
			t.Error("nothing was counted as deferred")
		}
	})
}

// Without the right to read them nothing is drawn that nothing could refute, and
// nothing is tried.
func TestNoRights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.procs[serverPID].rights = false
		s := run(t, w)
		time.Sleep(2 * time.Second)
		if st := s.State(); st.Available[fork.SourceChildSmaps] || !st.Available[fork.SourceProcess] || st.ProcessProblem == "" {
			t.Errorf("before a fork: available %v, problem %q", st.Available, st.ProcessProblem)
		}
		child := w.save(200, time.Millisecond)
		time.Sleep(2 * time.Second)
		child.exit(exitOK)
		child.reap()
		time.Sleep(time.Second)
		f := only(t, s)
		if f.Outcome != fork.OutcomeOK || len(f.Curve) != 0 || f.PeakBytes.Present() {
			t.Errorf("record %+v", f)
		}
		if n := s.State().Totals.Reads[fork.SourceChildSmaps]; n != 0 {
			t.Errorf("%d reads of smaps", n)
		}
	})
}

// What the rights do not show, such as a security module, is said once and not at
// every fork.
func TestSmapsDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var log bytes.Buffer
		s := run(t, w, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		time.Sleep(2 * time.Second)
		for pid := 200; pid < 203; pid++ {
			w.wholeSave(pid, 2*time.Second, func(child *fakeProcess) { child.smapsErr = proc.ErrDenied })
		}
		synctest.Wait()
		if n := strings.Count(log.String(), "smaps can't be read"); n != 1 {
			t.Errorf("said %d times:\n%s", n, log.String())
		}
		for i, f := range s.Forks() {
			if f.Outcome != fork.OutcomeOK || f.AnonymousHugeBytes.Present() || len(f.CopiedCurve) < 5 {
				t.Errorf("record %+v", f)
			}
			// The first child's beginning was drawn before anybody knew.
			first := i == 2
			for _, p := range f.Curve {
				if !first || p.Source != fork.SourceCounters || p.Seconds > 0.25 {
					t.Errorf("fork %d: point %+v, which nothing can refute", i, p)
				}
			}
		}
		if n := s.State().Totals.Reads[fork.SourceChildSmaps]; n != 3 || s.State().Available[fork.SourceChildSmaps] {
			t.Errorf("%d reads, available: %v", n, s.State().Available)
		}
	})
}

// Without the process, INFO alone still gives every duration.
func TestInfoOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.findErr = &proc.NotFound{Reason: proc.NotFoundRemote}
		s := run(t, w)
		time.Sleep(2 * time.Second)
		w.save(200, 12*time.Millisecond)
		time.Sleep(5 * time.Second)
		st := s.State()
		if st.Available[fork.SourceProcess] || st.ProcessProblem == "" {
			t.Errorf("available %v, problem %q", st.Available, st.ProcessProblem)
		}
		if st.Totals.Stall.Count != 1 || st.Totals.Stall.Sum != 0.012 || st.Totals.UnobservedChild != 1 {
			t.Errorf("totals %+v", st.Totals)
		}
		invariant(t, s, 1)
	})
}

// Fifty saves back to back, each a few milliseconds long.
func TestBackToBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := run(t, w)
		time.Sleep(2 * time.Second)
		for i := range 50 {
			child := w.save(200+i, time.Duration(i+1)*time.Millisecond)
			time.Sleep(3 * time.Millisecond)
			child.exit(exitOK)
			time.Sleep(time.Duration(i%10+1) * 10 * time.Millisecond)
			w.change(func(i *redisinfo.Info) { i.BGSaveInProgress = opt.Of(false) })
			child.reap()
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(time.Second)
		invariant(t, s, 50)
		for _, f := range s.Forks() {
			if want := float64(f.ChildPID-199) / 1000; f.StallSeconds.Or(want) != want {
				t.Errorf("child %d: stall %v, want %v", f.ChildPID, f.StallSeconds, want)
			}
			if f.Outcome != fork.OutcomeOK || f.Kind != fork.KindRDB {
				t.Errorf("child %d: %s %s", f.ChildPID, f.Kind, f.Outcome)
			}
		}
	})
}

// A module forks from a thread of its own: the child has that thread's name.
func TestForkByAnotherThread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := run(t, w)
		time.Sleep(2500 * time.Millisecond)
		child := w.fork(200, time.Millisecond)
		child.set(func() { child.name, child.title = "workers-3", "redis-module-fork *:6379" })
		time.Sleep(time.Second)
		child.exit(exitOK)
		child.reap()
		time.Sleep(time.Second)
		if f := only(t, s); f.Kind != fork.KindModule || f.Outcome != fork.OutcomeOK {
			t.Errorf("record %+v", f)
		}
		invariant(t, s, 1)
	})
}

// CONFIG RESETSTAT between two replies that show the same number of forks.
func TestResetToTheSameCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.info.CommandsProcessed, w.info.TotalForks = opt.Of(uint64(1000)), opt.Of(uint64(1))
		s := run(t, w)
		time.Sleep(2500 * time.Millisecond)
		for i := range 3 {
			w.change(func(i *redisinfo.Info) { i.TotalForks, i.CommandsProcessed = opt.Of(uint64(0)), opt.Of(uint64(5)) })
			child := w.save(200+i, 4*time.Millisecond)
			child.set(func() { child.title = "redis-rdb-bgsave" })
			time.Sleep(500 * time.Millisecond)
			child.exit(exitOK)
			w.change(func(i *redisinfo.Info) {
				i.BGSaveInProgress, i.CommandsProcessed = opt.Of(false), opt.Of(uint64(2000))
			})
			child.reap()
			time.Sleep(1500 * time.Millisecond)
		}
		if n := len(s.Forks()); n != 3 {
			t.Errorf("%d records, want 3", n)
		}
		invariant(t, s, 3)
	})
}

// Another server answers at the address while a child of the first one lives:
// that child is followed to its own end.
func TestServerIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := run(t, w)
		time.Sleep(2500 * time.Millisecond)
		child := w.save(200, time.Millisecond)
		time.Sleep(time.Second)
		w.mu.Lock()
		w.spawn(300, 1, "redis-server")
		w.info.RunID, w.info.ProcessID, w.info.TotalForks = "run-2", opt.Of(300), opt.Of(uint64(0))
		w.mu.Unlock()
		time.Sleep(2 * time.Second)
		child.exit(exitOK)
		child.reap()
		time.Sleep(time.Second)
		if f := only(t, s); f.Outcome != fork.OutcomeOK {
			t.Errorf("outcome %s, want ok: its server lives on elsewhere", f.Outcome)
		}
		if st := s.State(); st.PID != opt.Of(300) {
			t.Errorf("process %v, want 300", st.PID)
		}
	})
}

// What a child of an earlier process finds out about its delays says nothing of the
// present one's.
func TestDelaysOfAnEarlierProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.copies = 10
		s := run(t, w)
		time.Sleep(2500 * time.Millisecond)
		child := w.save(200, time.Millisecond)
		time.Sleep(time.Second)
		w.mu.Lock()
		w.spawn(300, 1, "redis-server")
		w.info.RunID, w.info.ProcessID, w.info.TotalForks = "run-2", opt.Of(300), opt.Of(uint64(0))
		w.mu.Unlock()
		time.Sleep(2 * time.Second)
		w.procs[serverPID].set(func() { w.procs[serverPID].faults += 6000 }) // and no copy is counted
		time.Sleep(time.Second)
		st := s.State()
		if st.PID != opt.Of(300) || !st.Available[fork.SourceTaskstats] {
			t.Errorf("process %v, delay accounting %v", st.PID, st.Available[fork.SourceTaskstats])
		}
		child.exit(exitOK)
		child.reap()
		time.Sleep(time.Second)
	})
}

// While the kernel takes a child's memory apart it is no zombie yet, but its sizes
// are 0: that is no memory given back.
func TestEndingChildGivesNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := run(t, w)
		time.Sleep(2500 * time.Millisecond)
		child := w.save(200, time.Millisecond)
		time.Sleep(time.Second)
		w.procs[serverPID].set(func() { w.procs[serverPID].faults += 1000 })
		child.set(func() { child.size = 0 })
		time.Sleep(time.Second)
		child.exit(exitOK)
		child.reap()
		time.Sleep(time.Second)
		if f := only(t, s); f.CopiedBytes != opt.Of(uint64(1000*page)) {
			t.Errorf("copied %v, want %d", f.CopiedBytes, 1000*page)
		}
	})
}

// copying is a save during which the server writes to 6,000 pages.
func copying(t *testing.T, w *world, writes func(server *fakeProcess, pages uint64)) (fork.Record, *history.Server) {
	t.Helper()
	s := run(t, w)
	time.Sleep(3 * time.Second)
	child := w.save(200, time.Millisecond)
	server := w.procs[serverPID]
	for range 12 {
		time.Sleep(250 * time.Millisecond)
		server.set(func() { writes(server, 500) })
	}
	time.Sleep(300 * time.Millisecond)
	child.exit(exitOK)
	child.reap()
	time.Sleep(2 * time.Second)
	return only(t, s), s
}

// Delay accounting that is switched off in the middle is noticed, whether it has
// counted before or not, and the faults tell instead.
func TestAccountingSwitchedOff(t *testing.T) {
	for name, counts := range map[string]int{"before the first copy": 0, "later": 6} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.copies = 10
				steps := 0
				f, s := copying(t, w, func(server *fakeProcess, pages uint64) {
					server.faults += pages
					if steps++; steps <= counts {
						w.copies += pages
					}
					w.accountingOff = steps > counts && counts > 0
				})
				if f.CopiedBytes != opt.Of(uint64(6000*page)) || f.CopiedSource != fork.SourceCounters || f.CopyStallSeconds.Present() {
					t.Errorf("copied %v by %s in %v", f.CopiedBytes, f.CopiedSource, f.CopyStallSeconds)
				}
				if s.State().Available[fork.SourceTaskstats] {
					t.Error("delay accounting is said to work")
				}
			})
		})
	}
}

// The time that copies take is that of the thread that serves the clients: the main
// one, but for KeyDB, whose main thread serves nobody.
func TestAccountingOfTheServingThread(t *testing.T) {
	for software, want := range map[string]float64{redisinfo.SoftwareRedis: 0.03, redisinfo.SoftwareKeyDB: 0.06} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.copies = 10
			w.info.Software = software
			f, s := copying(t, w, func(server *fakeProcess, pages uint64) {
				server.faults += pages
				w.copies += pages
			})
			if got, ok := f.CopyStallSeconds.Get(); !ok || math.Abs(got-want) > 1e-9 || f.CopiedBytes != opt.Of(uint64(6000*page)) {
				t.Errorf("%s: copied %v in %v s, want %v", software, f.CopiedBytes, f.CopyStallSeconds, want)
			}
			if !s.State().Available[fork.SourceTaskstats] {
				t.Errorf("%s: delay accounting is said not to work", software)
			}
		})
	}
}

// Where copies are not accounted, the running time that they took is told apart from
// the rest; but not of huge pages, whose faults are of more than one price.
func TestEstimatedCopyTime(t *testing.T) {
	for name, c := range map[string]struct {
		smallPages bool
		huge       uint64 // of the child
		want       opt.Val[float64]
	}{
		"small pages":         {true, 0, opt.Of(6000 * 40e-6 * 0.7)},
		"perhaps huge pages":  {false, 0, opt.Val[float64]{}},
		"huge pages all same": {true, 2 << 20, opt.Val[float64]{}}, // from when they were allowed
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.smallPages = c.smallPages
			f, st := copying(t, w, func(server *fakeProcess, pages uint64) {
				server.faults += pages
				server.ran += time.Duration(pages) * 40 * time.Microsecond
				for _, p := range w.procs {
					p.huge = c.huge
				}
			})
			got, known := f.EstimatedCopyStallSeconds.Get()
			if want, ok := c.want.Get(); known != ok || math.Abs(got-want) > want/10 || f.CopyStallSeconds.Present() {
				t.Errorf("%s: copies took %v s, want %v", name, f.EstimatedCopyStallSeconds, c.want)
			}
			total, counted := st.State().Totals.EstimatedCopyStallSeconds.Get()
			if counted != c.smallPages || total != got {
				t.Errorf("%s: in all %v s, counted: %v", name, total, counted)
			}
		})
	}
}

// What was copied between the birth and the first look at the child is counted too,
// if the server was calm before: growing is no copying.
func TestCopiesBeforeTheChildWasSeen(t *testing.T) {
	for name, c := range map[string]struct {
		huge                bool // pages may be
		copied, grown, want uint64
	}{
		"standing still":           {false, 0, 0, 800},
		"growing":                  {false, 0, 600, 800},
		"in the tail of one":       {false, 600, 0, 500},
		"in one, and growing":      {false, 600, 600, 500},
		"writing to few pages":     {false, 20, 0, 820}, // and what was written since the reading before the birth
		"huge pages":               {true, 0, 0, 800},
		"growing, with huge pages": {true, 0, 600, 500},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.smallPages = !c.huge
			server := w.procs[serverPID]
			server.given = 100 << 20
			s := run(t, w)
			second := func() {
				time.Sleep(time.Second)
				server.set(func() {
					server.faults += c.copied + c.grown
					server.given -= c.grown * page
				})
			}
			time.Sleep(500 * time.Millisecond) // not when the watcher looks
			for range 3 {
				second()
			}
			child := w.save(200, time.Millisecond)
			server.set(func() { server.faults += 300 }) // at once
			time.Sleep(200 * time.Millisecond)
			server.set(func() { server.faults += 500 })
			time.Sleep(800 * time.Millisecond)
			child.exit(exitOK)
			child.reap()
			time.Sleep(time.Second)
			f := only(t, s)
			if f.CopiedSource != fork.SourceCounters || f.CopiedBytes != opt.Of(c.want*page) {
				t.Errorf("%s: copied %d pages by %s, want %d", name, f.CopiedBytes.Or(0)/page, f.CopiedSource, c.want)
			}
			for _, p := range f.CopiedCurve[1:] {
				off := float64(p.Error.Or(0)) - 2*32*2*page // what a size may be off by
				missing := c.want == 500 && p.Bytes > 0
				if pages := off / page; missing && (pages < 2 || pages > 200) || !missing && off != 0 {
					t.Errorf("%s: the error at %.2f s has %.0f pages for what was copied before the child was seen", name, p.Seconds, pages)
				}
			}
		})
	}
}

// Two children at a time, as of a script that is debugged during a save: what is
// copied for both is counted once.
func TestCopiesOfTwoChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := run(t, w)
		time.Sleep(3 * time.Second)
		first := w.save(200, time.Millisecond)
		time.Sleep(time.Second)
		second := w.fork(201, time.Millisecond)
		server := w.procs[serverPID]
		for range 10 {
			time.Sleep(250 * time.Millisecond)
			server.set(func() { server.faults += 500 })
		}
		time.Sleep(300 * time.Millisecond)
		for _, child := range []*fakeProcess{second, first} {
			child.exit(exitOK)
			child.reap()
			time.Sleep(time.Second)
		}
		if got := s.State().Totals.CopiedBytes; got != 5000*page {
			t.Errorf("%d bytes copied, want %d", got, 5000*page)
		}
		for _, f := range s.Forks() {
			if f.ChildPID == 201 && f.CopiedBytes.Present() {
				t.Errorf("the second child: %v bytes copied", f.CopiedBytes)
			}
		}
	})
}
