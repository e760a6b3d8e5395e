package watch

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// With a child that copies a page per write, the record tells the one over the other.
func TestExtraInTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		server := w.procs[serverPID]
		server.anon = 1 << 30
		s := run(t, w)
		writes := func(seconds int) {
			for range seconds {
				time.Sleep(time.Second)
				w.change(func(i *redisinfo.Info) { i.ChangesSinceLastSave = opt.Of(i.ChangesSinceLastSave.Or(0) + 100) })
			}
		}
		writes(5)
		time.Sleep(300 * time.Millisecond)
		child := w.save(201, 12*time.Millisecond)
		child.set(func() { child.title = "redis-rdb-bgsave" })
		for range 5 {
			server.set(func() { server.faults += 100 })
			child.set(func() { child.dirty += 100 * page })
			writes(1)
		}
		time.Sleep(400 * time.Millisecond)
		server.set(func() { server.faults += 50 }) // copied after the last reading
		child.exit(exitOK)
		time.Sleep(20 * time.Millisecond)
		w.change(func(i *redisinfo.Info) { i.BGSaveInProgress = opt.Of(false) })
		child.reap()
		time.Sleep(2 * time.Second)
		f := only(t, s)
		last := f.ExtraCurve[len(f.ExtraCurve)-1]
		if n := len(f.ExtraCurve); n < 5 || n > 9 || last.Seconds < 5.3 {
			t.Errorf("%d points until %v", n, last.Seconds)
		}
		if f.ExtraPeakBytes != opt.Of(uint64(550*page)) || last.Bytes != 550*page {
			t.Errorf("peak %v, last %+v, want %d", f.ExtraPeakBytes, last, 550*page)
		}
		if changes := f.Changes.Or(0); changes < 450 || changes > 650 {
			t.Errorf("%v changes", changes)
		}
		if rate := s.State().WriteRate.Or(0); rate < 50 || rate > 150 {
			t.Errorf("write rate %v", rate)
		}
	})
}

func TestRoomIsReadMoreOftenWithAChild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.room = limits.Limits{CgroupSeen: true, Host: opt.Of(uint64(7 << 30))}
		s := run(t, w)
		time.Sleep(35 * time.Second)
		if n := w.roomReads(); n < 3 || n > 5 {
			t.Errorf("%d reads in 35 s without a child", n)
		}
		if left := s.State().Limits.Host; left != opt.Of(uint64(7<<30)) {
			t.Errorf("room %v", left)
		}
		before := w.roomReads()
		child := w.save(201, time.Millisecond)
		time.Sleep(10 * time.Second)
		if n := w.roomReads() - before; n < 9 || n > 11 {
			t.Errorf("%d reads in 10 s with a child", n)
		}
		if r := s.State().Limits; r.ReturnedTasks != 1 {
			t.Errorf("with a child: %+v", r)
		}
		child.exit(exitOK)
		child.reap()
		time.Sleep(2 * time.Second) // what it gave back must not be counted on
		if r := s.State().Limits; r.ReturnedTasks != 0 {
			t.Errorf("after it: %+v", r)
		}
	})
}

func (w *world) roomReads() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rooms
}

// The server's smaps is read only where nothing else can tell, once an hour at
// most, and never while a child lives.
func TestCommittedIsReadRarely(t *testing.T) {
	reads := func(w *world) int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.accountedReads
	}
	for name, test := range map[string]struct {
		room  limits.Limits
		reads int
		want  opt.Val[limits.Committed]
	}{
		"mode 1": {limits.Limits{}, 0, opt.Val[limits.Committed]{}},
		"mode 0, no mapping can be too large": {
			limits.Limits{Mapping: opt.Of(uint64(24 << 30))},
			0,
			opt.Of(limits.Committed{Bytes: serverSize, Largest: serverSize, AtMost: true}),
		},
		"mode 2, enough for all of it": {
			limits.Limits{Commit: opt.Of(uint64(serverSize + 1))},
			0,
			opt.Of(limits.Committed{Bytes: serverSize, Largest: serverSize, AtMost: true}),
		},
		"mode 2, not enough for all of it": {
			limits.Limits{Commit: opt.Of(uint64(serverSize))},
			1,
			opt.Of(limits.Committed{Bytes: 35 * mb, Largest: 8 * mb}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.room = test.room
				w.procs[serverPID].committed = limits.Committed{Bytes: 35 * mb, Largest: 8 * mb}
				s := run(t, w)
				time.Sleep(50 * time.Minute)
				if got := s.State().Limits.Committed; got != test.want || reads(w) != test.reads {
					t.Errorf("%+v after %d reads, want %+v after %d", got, reads(w), test.want, test.reads)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.spawn(201, serverPID, "redis-server")
		w.room = limits.Limits{Commit: opt.Of(uint64(1))}
		run(t, w)
		time.Sleep(time.Minute)
		if n := reads(w); n != 0 {
			t.Errorf("%d reads while a child lives", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.room = limits.Limits{Commit: opt.Of(uint64(1))}
		run(t, w, func(o *Options) { o.Sampling = false })
		time.Sleep(time.Minute)
		if n := reads(w); n != 0 {
			t.Errorf("%d reads without sampling", n)
		}
	})
}

// What a heap that is charged has grown by since smaps was read is charged too; one
// that is not may grow as it likes.
func TestCommittedGrows(t *testing.T) {
	strict := limits.Limits{Commit: opt.Of(uint64(1))}
	heap := limitsRead{committed: opt.Of(limits.Committed{Bytes: 900, Largest: 800}), virtual: 1000}
	for virtual, want := range map[uint64]limits.Committed{
		1000: {Bytes: 900, Largest: 800}, 1500: {Bytes: 1400, Largest: 1300}, 700: {Bytes: 900, Largest: 800},
	} {
		if got, _ := heap.commits(strict, virtual).Get(); got != want {
			t.Errorf("heap at %d: %+v, want %+v", virtual, got, want)
		}
	}
	jemalloc := limitsRead{committed: opt.Of(limits.Committed{Bytes: 35, Largest: 8}), virtual: 1000}
	if got, _ := jemalloc.commits(strict, 5000).Get(); got != (limits.Committed{Bytes: 35, Largest: 8}) {
		t.Errorf("not accounted: %+v", got)
	}
}
