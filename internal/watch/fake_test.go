package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

const (
	serverPID  = 100
	serverSize = 2 << 30 // virtual bytes of server and children
	pollEvery  = 10 * time.Millisecond

	page = 4096
	mb   = 1 << 20
)

// world is a server and its machine in memory. Its timing is that of the bubble
// it runs in: births are seen at the next poll, INFO takes 1 ms.
type world struct {
	mu       sync.Mutex
	info     redisinfo.Info
	infoErr  error
	hang     bool
	asked    []time.Time
	procs    map[int]*fakeProcess
	findErr  error
	oomKills uint64
	room     limits.Limits
	rooms    int // how often it was read
	// readCost is the CPU time that the machine charges for a read of smaps.
	readCost  time.Duration
	pagesCost time.Duration // the same for a read of pages
	pagesOpen int
	pagesRead int // times
	// accountedReads counts how often the server's smaps was read.
	accountedReads int
	// copies is what delay accounting has counted; 0: it is denied.
	copies        uint64
	unaccounted   error // nil: as copies says
	accountingOff bool
	smallPages    bool // only these
	pagesShut     bool // pagemap is not for this reader
	cpu           time.Duration
}

func newWorld() *world {
	w := &world{
		info: redisinfo.Info{
			Software: redisinfo.SoftwareRedis, Version: "7.0.15", RunID: "run-1",
			ProcessID: opt.Of(serverPID), TotalForks: opt.Of(uint64(3)),
			LastBGSaveOK: opt.Of(true), LastAOFRewriteOK: opt.Of(true),
			RDBSaves: opt.Of(uint64(3)), AOFRewrites: opt.Of(uint64(0)),
			LatestFork: opt.Of(9 * time.Millisecond),
		},
		procs: map[int]*fakeProcess{},
	}
	w.spawn(serverPID, 1, "redis-server")
	return w
}

func (w *world) spawn(pid, ppid int, name string) *fakeProcess {
	p := &fakeProcess{
		world: w, pid: pid, ppid: ppid, name: name, executable: "/usr/bin/redis-server", size: serverSize, born: time.Now(), rights: true, ran: time.Second,
		exited: make(chan struct{}), reaped: make(chan struct{}),
	}
	w.procs[pid] = p
	return p
}

// fork makes the server fork: its main thread copies, counts, and goes on.
func (w *world) fork(pid int, took time.Duration) *fakeProcess {
	w.mu.Lock()
	defer w.mu.Unlock()
	child := w.spawn(pid, serverPID, "redis-server")
	child.rights = w.procs[serverPID].rights
	w.info.TotalForks = opt.Of(w.info.TotalForks.Or(0) + 1)
	w.info.LatestFork = opt.Of(took)
	return child
}

// save is a fork for a BGSAVE with all that INFO says about one.
func (w *world) save(pid int, took time.Duration) *fakeProcess {
	child := w.fork(pid, took)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.info.RDBSaves = opt.Of(w.info.RDBSaves.Or(0) + 1)
	w.info.BGSaveInProgress = opt.Of(true)
	return child
}

// wholeSave is a save that ends well, and a second after it.
func (w *world) wholeSave(pid int, life time.Duration, prepare ...func(child *fakeProcess)) {
	child := w.save(pid, time.Millisecond)
	for _, f := range prepare {
		child.set(func() { f(child) })
	}
	time.Sleep(life)
	child.exit(exitOK)
	child.reap()
	time.Sleep(time.Second)
}

func (w *world) change(f func(*redisinfo.Info)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.info)
}

func (w *world) Info(ctx context.Context) (redisinfo.Info, error) {
	w.mu.Lock()
	w.asked = append(w.asked, time.Now())
	hang := w.hang
	w.mu.Unlock()
	if hang {
		<-ctx.Done()
		return redisinfo.Info{}, &redisinfo.Error{Reason: redisinfo.ReasonTimeout, Err: ctx.Err()}
	}
	time.Sleep(time.Millisecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.info, w.infoErr
}

func (w *world) SavePoint(context.Context) (opt.Val[redisinfo.SavePoint], error) {
	return opt.Of(redisinfo.SavePoint{Seconds: 60, Changes: 1}), nil
}

func (w *world) Peer() (redisinfo.Peer, bool) { return redisinfo.Peer{}, true }

func (w *world) FindServer(q proc.Query) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return q.ProcessID, w.findErr
}

func (w *world) Open(pid int) (Process, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.procs[pid]
	if !ok {
		return nil, proc.ErrGone
	}
	return p, nil
}

func (w *world) OOMCounter(int) (func() (uint64, error), error) {
	return func() (uint64, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.oomKills, nil
	}, nil
}

func (w *world) MemoryCgroup(int) (child.Cgroup, error) { return nil, proc.ErrDenied }

func (p *fakeProcess) MayReadPages() bool { return p.rights && !p.world.pagesShut }

func (p *fakeProcess) Pages() (child.Pages, error) {
	w := p.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.pagesErr != nil {
		return nil, p.pagesErr
	}
	w.pagesOpen++
	return &fakePages{process: p}, nil
}

// fakePages are 256 places, all with the same share of private pages.
type fakePages struct {
	process *fakeProcess
	next    int
}

func (f *fakePages) Places() int     { return 256 }
func (f *fakePages) Weight() float64 { return float64(f.process.size) / 5 / page / 256 / 64 }

func (f *fakePages) Read() (out []proc.PlaceRead, err error) {
	p := f.process
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.world.cpu += p.world.pagesCost
	p.world.pagesRead++
	private := uint64(1)<<(64*p.dirty/(p.size/5)) - 1
	for range proc.PlacesAtOnce {
		out = append(out, proc.PlaceRead{Place: f.next, Private: private, Resident: 1<<64 - 1})
		f.next = (f.next + 1) % 256
	}
	return out, p.pagesErr
}

func (f *fakePages) Close() {
	f.process.world.mu.Lock()
	defer f.process.world.mu.Unlock()
	f.process.world.pagesOpen--
}

func (w *world) ReadLimits(int, uint64) limits.Limits {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rooms++
	return w.room
}

func (w *world) HasDelays(int) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unaccounted != nil {
		if errors.Is(w.unaccounted, child.ErrNoDelays) { // switched on after the server's start
			return false, nil
		}
		return false, w.unaccounted
	}
	if w.copies == 0 {
		return false, taskstats.ErrDenied
	}
	return true, nil
}

// Accounting says 10 µs of each copy, of which a half is the main thread's.
func (w *world) Delays(_ int, mainServes bool) (taskstats.Stats, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := taskstats.Stats{CopyCount: w.copies, CopyDelay: time.Duration(w.copies) * 10 * time.Microsecond}
	if mainServes {
		s.CopyDelay /= 2
	}
	return s, nil
}

func (w *world) DelaysOff() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.accountingOff
}

func (w *world) MayHaveHugePages(int) bool { return !w.smallPages }

func (w *world) CPUs() int { return 2 }

func (w *world) cpuTime() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cpu
}

func (p *fakeProcess) WatchChildren(notify func([]int)) (func(), error) {
	w := p.world
	list := func() (pids []int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for pid, c := range w.procs {
			if c.ppid == p.pid {
				pids = append(pids, pid)
			}
		}
		slices.Sort(pids)
		return pids
	}
	last := list()
	notify(last)
	stop := make(chan struct{})
	var poller sync.WaitGroup
	poller.Go(func() {
		tick := time.NewTicker(pollEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			if now := list(); !slices.Equal(now, last) {
				last = now
				notify(now)
			}
		}
	})
	return sync.OnceFunc(func() { close(stop); poller.Wait() }), nil
}

type fakeProcess struct {
	world      *world
	pid, ppid  int
	name       string
	title      string
	executable string
	size       uint64
	dirty      uint64
	anon       uint64 // resident anonymous bytes; 0: the kernel does not tell
	faults     uint64 // minor
	ran        time.Duration
	born       time.Time
	rights     bool
	smapsErr   error
	pagesErr   error
	huge       uint64
	swapped    uint64
	given      uint64 // bytes that are resident no more
	lie        uint64 // bytes that smaps has and the pages have not
	committed  limits.Committed
	status     opt.Val[syscall.WaitStatus] // readable once exited
	onlyAfter  bool                        // the status is readable after the reaping only
	dead       bool
	died       time.Time
	exited     chan struct{}
	reaped     chan struct{}
}

// exit ends the process; it stays a zombie until reap.
func (p *fakeProcess) exit(status syscall.WaitStatus) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.status, p.dead, p.died = opt.Of(status), true, time.Now()
	close(p.exited)
}

// vanish ends the process without a trace of how.
func (p *fakeProcess) vanish() {
	p.world.mu.Lock()
	p.dead, p.died = true, time.Now()
	close(p.exited)
	p.world.mu.Unlock()
	p.reap()
}

func (p *fakeProcess) reap() {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	delete(p.world.procs, p.pid)
	close(p.reaped)
}

func (p *fakeProcess) set(f func()) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	f()
}

func (p *fakeProcess) ID() proc.ID { return proc.ID{PID: p.pid, Start: 1} }

func (p *fakeProcess) Stat() (proc.Stat, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	state, code, size := "S", 1, p.size
	if p.rights {
		code = 4096
	}
	if p.dead {
		state, size = "Z", 0
	}
	line := fmt.Sprintf("%d (%s) %s %d 0 0 0 -1 0 %d 0 0 0 150 50 0 0 20 0 1 0 1 %d %d 18446744073709551615 %d", p.pid, p.name, state, p.ppid, p.faults, size, (size/5-min(p.given, size/5))/page, code)
	line += strings.Repeat(" 0", 52-26)
	var s proc.Stat
	return s, errors.Join(proc.ParseStat([]byte(line+"\n"), &s))
}

func (p *fakeProcess) Status() (proc.Status, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	s := proc.Status{VMRSS: opt.Of(uint64(1 << 30)), VMPTE: opt.Of(uint64(2 << 20)), VMSwap: opt.Of(p.swapped)}
	if p.anon > 0 {
		s.RSSAnon = opt.Of(p.anon)
	}
	return s, nil
}

func (p *fakeProcess) RunTime() (time.Duration, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.ran, nil
}

func (p *fakeProcess) Title() (string, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.title, nil
}

func (p *fakeProcess) Smaps() (proc.Smaps, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.world.cpu += p.world.readCost
	return proc.Smaps{PrivateDirty: p.dirty + p.lie, AnonHugePages: p.huge}, p.smapsErr
}

func (p *fakeProcess) Committed() (limits.Committed, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.world.accountedReads++
	return p.committed, nil
}

func (p *fakeProcess) WrittenBytes() (uint64, error) { return 4096, nil }
func (p *fakeProcess) BirthTime() (time.Time, error) { return p.born, nil }
func (p *fakeProcess) Executable() (string, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	if !p.rights {
		return "", proc.ErrDenied
	}
	return p.executable, nil
}

func (p *fakeProcess) ThreadNames() ([]string, error) {
	return []string{"redis-server", "bio_lazy_free", "workers-3"}, nil
}

func (p *fakeProcess) ExitTime() time.Time {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.died
}

func (p *fakeProcess) Exited() <-chan struct{} { return p.exited }
func (p *fakeProcess) Reaped() <-chan struct{} { return p.reaped }
func (p *fakeProcess) Close() error            { return nil }

func (p *fakeProcess) ExitStatus() (syscall.WaitStatus, bool) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	status, ok := p.status.Get()
	if p.onlyAfter {
		select {
		case <-p.reaped:
		default:
			return 0, false
		}
	}
	return status, ok
}

// run watches the world until the test ends.
func run(t *testing.T, w *world, change ...func(*Options)) *history.Server {
	t.Helper()
	server := history.New().AddServer("s", "127.0.0.1:6379")
	o := Options{
		Name: "s", Redis: w, Machine: w, Processes: &registry{}, Server: server,
		Logger:   slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
		Sampling: true, SampleInterval: 250 * time.Millisecond,
		Budget: child.NewBudget(0.01), CPUTime: w.cpuTime,
	}
	for _, c := range change {
		c(&o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- New(o).Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
		if err := server.Check(); err != nil {
			t.Error(err)
		}
	})
	return server
}
