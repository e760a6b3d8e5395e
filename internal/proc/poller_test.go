package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/play"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

// notes keeps the lists that a poller tells.
type notes struct {
	mu    sync.Mutex
	lists [][]int
}

func (n *notes) notify(pids []int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lists = append(n.lists, slices.Clone(pids))
}

func (n *notes) all() [][]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lists)
}

func (n *notes) last() []int {
	all := n.all()
	return all[len(all)-1]
}

func newPoller(t *testing.T) *ChildPoller {
	t.Helper()
	c, err := NewChildPoller(2 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.timer.Close() }) // where Run did not
	return c
}

// run runs a poller as long as the test.
func run(t *testing.T, c *ChildPoller) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}

func watch(t *testing.T, c *ChildPoller, fs FS, p *Process) (*notes, func()) {
	t.Helper()
	var n notes
	stop, err := c.Watch(fs, p, n.notify)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	if len(n.all()) != 1 {
		t.Fatalf("Watch told %v before it returned, want one list", n.all())
	}
	return &n, stop
}

// fakeThreads makes a procfs of our own pid with lists of children per thread.
// Threads are told by their place: the main one is 0.
func fakeThreads(t testing.TB, lists ...string) (fs FS, p *Process, set func(thread int, list string)) {
	t.Helper()
	fs, dir := fakeSelf(t)
	file := func(thread int) string {
		return filepath.Join(dir, "task", strconv.Itoa(os.Getpid()+thread), "children")
	}
	set = func(thread int, list string) {
		// As the kernel does: at no moment is a list half written.
		write(t, file(thread), list)
	}
	for i, list := range lists {
		set(i, list)
	}
	return fs, open(t, fs, os.Getpid()), set
}

func wantLists(t *testing.T, n *notes, want ...[]int) {
	t.Helper()
	if got := n.all(); !slices.EqualFunc(got, want, slices.Equal) {
		t.Fatalf("told %v, want %v", got, want)
	}
}

func TestPoll(t *testing.T) {
	fs, p, set := fakeThreads(t, "", "50 ")
	c := newPoller(t)
	n, stop := watch(t, c, fs, p)
	now := time.Now()
	wantLists(t, n, []int{50})
	c.poll(now) // looks at the other threads for the first time
	set(0, "300 200 ")
	c.poll(now)
	wantLists(t, n, []int{50}, []int{50, 200, 300})
	c.poll(now)
	set(1, "")
	c.poll(now.Add(otherThreadsEvery / 2)) // not yet
	wantLists(t, n, []int{50}, []int{50, 200, 300})
	c.poll(now.Add(otherThreadsEvery))
	wantLists(t, n, []int{50}, []int{50, 200, 300}, []int{200, 300})
	set(1, "51 ")
	set(0, "") // a change of the main thread's makes it look at all
	c.poll(now.Add(otherThreadsEvery))
	wantLists(t, n, []int{50}, []int{50, 200, 300}, []int{200, 300}, []int{51})

	set(2, "52 ") // a new thread
	now = now.Add(threadsEvery)
	c.poll(now)
	c.poll(now.Add(otherThreadsEvery))
	if got := n.last(); !slices.Equal(got, []int{51, 52}) {
		t.Fatalf("a new thread's child is not seen: %v", got)
	}
	if err := os.RemoveAll(filepath.Dir(fs.path(os.Getpid(), fmt.Sprintf("task/%d/children", os.Getpid()+1)))); err != nil {
		t.Fatal(err)
	}
	set(0, "51 ") // a thread ended, its child is the main thread's
	told := len(n.all())
	c.poll(now.Add(threadsEvery))
	c.poll(now.Add(2 * threadsEvery))
	if len(n.all()) != told {
		t.Errorf("a child that changed threads is news: %v", n.all()[told:])
	}
	if len(c.watched[0].threads) != 2 {
		t.Errorf("%d threads are held, want 2", len(c.watched[0].threads))
	}
	set(0, "not a list")
	c.poll(now.Add(2 * threadsEvery))
	if got := n.last(); !slices.Equal(got, []int{52}) {
		t.Errorf("garbage is read as %v", got)
	}

	// A thread that ended, whose child was reaped since its list was last read.
	set(2, "52 53 ")
	c.poll(now.Add(3 * threadsEvery))
	if got := n.last(); !slices.Equal(got, []int{52, 53}) {
		t.Fatalf("told %v", got)
	}
	if err := os.RemoveAll(filepath.Dir(fs.path(os.Getpid(), fmt.Sprintf("task/%d/children", os.Getpid()+2)))); err != nil {
		t.Fatal(err)
	}
	c.poll(now.Add(4 * threadsEvery))
	if got := n.last(); len(got) != 0 {
		t.Errorf("children of a thread that ended stay: %v", got)
	}

	stop()
	told = len(n.all())
	set(0, "7 ")
	c.poll(now.Add(5 * threadsEvery))
	stop()
	if len(n.all()) != told || len(c.watched) != 0 {
		t.Errorf("told %v after stop", n.all()[told:])
	}
}

func TestPollOfAProcessThatIsGone(t *testing.T) {
	fs, p, set := fakeThreads(t, "5 ")
	c := newPoller(t)
	n, _ := watch(t, c, fs, p)
	now := time.Now()
	write(t, fs.path(os.Getpid(), "stat"), "")
	c.poll(now.Add(threadsEvery))
	wantLists(t, n, []int{5}, nil)
	set(0, "6 ") // of a later process
	c.poll(now.Add(5 * threadsEvery))
	wantLists(t, n, []int{5}, nil)
	if _, err := c.Watch(fs, p, n.notify); !errors.Is(err, ErrGone) {
		t.Errorf("Watch: %v, want ErrGone", err)
	}
	wantLists(t, n, []int{5}, nil)
}

func TestWatchWithoutChildrenFiles(t *testing.T) {
	fs, dir := fakeSelf(t)
	if err := os.MkdirAll(filepath.Join(dir, "task", strconv.Itoa(os.Getpid())), 0o755); err != nil {
		t.Fatal(err)
	}
	p := open(t, fs, os.Getpid())
	n, stop := watch(t, newPoller(t), fs, p)
	wantLists(t, n, nil)
	// The recorded child's parent is another: make it ours.
	stat := fmt.Sprintf("900 (redis-server) S %d", os.Getpid())
	for range 48 {
		stat += " 0"
	}
	write(t, fs.path(900, "stat"), stat+"\n")
	eventually(t, func() bool { return slices.Equal(n.last(), []int{900}) }, "the scan does not find the child")
	stop()
	stop()
}

// A kernel that lists children, of which one can't be opened, is no reason to scan.
func TestWatchDenied(t *testing.T) {
	fs, p, _ := fakeThreads(t, "")
	children := fs.path(os.Getpid(), fmt.Sprintf("task/%d/children", os.Getpid()))
	if err := os.Remove(children); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("children", children); err != nil { // ELOOP: neither gone nor denied
		t.Fatal(err)
	}
	if _, err := newPoller(t).Watch(fs, p, func([]int) {}); !errors.Is(err, unix.ELOOP) {
		t.Errorf("error %v, want ELOOP", err)
	}
}

func TestRunEnds(t *testing.T) {
	c := newPoller(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}

func TestSavesAreSeen(t *testing.T) {
	fs := realFS(t)
	c := newPoller(t)
	run(t, c)
	var servers []*redisrun.Server
	var told []*notes
	for range 2 {
		s := redistest.Start(t, redisrun.Options{Unix: true, Args: []string{"--rdb-key-save-delay", "10000", "--rdbcompression", "no"}})
		if err := redisrun.Fill(t.Context(), s.Client(), 3000, 10); err != nil {
			t.Fatal(err)
		}
		n, _ := watch(t, c, fs, open(t, fs, s.PID()))
		wantLists(t, n, nil)
		servers, told = append(servers, s), append(told, n)
	}
	for i, s := range servers {
		if err := s.Client().BgSave(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		n := told[i]
		eventually(t, func() bool { return len(n.last()) == 1 }, "the save's child is not seen")
		child := open(t, fs, n.last()[0])
		if stat, err := child.Stat(); err != nil || stat.PPID != s.PID() || stat.Name() != "redis-server" {
			t.Errorf("the child is %+v, %v", stat, err)
		}
		eventually(t, func() bool { title, _ := child.Title(); return strings.HasPrefix(title, "redis-rdb-bgsave") }, "no title")
		if err := unix.Kill(child.ID().PID, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		within(t, child.Reaped(), "reaped")
		eventually(t, func() bool { return len(n.last()) == 0 }, "the child's end is not seen")
		wantLists(t, n, nil, []int{child.ID().PID}, nil)
	}
}

func TestChildOfAnotherThread(t *testing.T) {
	fs := realFS(t)
	c := newPoller(t)
	run(t, c)
	h := play.Start(t, "fork", "", 0)
	p := open(t, fs, h.PID())
	early, stopEarly := watch(t, c, fs, p) // most likely before the fork
	var f forked
	h.Hear(&f)
	if f.Thread == h.PID() {
		t.Fatal("the helper forked on its main thread")
	}
	late, _ := watch(t, c, fs, p)
	scanned := &notes{}
	stopScan := watchByScan(fs, p, scanned.notify)
	defer stopScan()
	for what, n := range map[string]*notes{"watched before": early, "watched after": late, "by scan": scanned} {
		eventually(t, func() bool { return slices.Equal(n.last(), []int{f.Child}) }, what+": the child is not seen")
	}
	stopEarly()
	told := len(early.all())
	end(h, true) // the child becomes an orphan
	within(t, p.Exited(), "exited")
	for what, n := range map[string]*notes{"watched": late, "by scan": scanned} {
		eventually(t, func() bool { return len(n.last()) == 0 }, what+": the end of all is not seen")
	}
	h.Reap()
	within(t, p.Reaped(), "reaped")
	wantLists(t, late, []int{f.Child}, nil)
	if len(early.all()) != told {
		t.Errorf("told %v after stop", early.all()[told:])
	}
	_ = unix.Kill(f.Child, unix.SIGKILL)
}
