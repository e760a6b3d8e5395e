package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/play"
)

func TestProcess(t *testing.T) {
	h := play.Start(t, "exit", "0", 0).Ready()
	p := open(t, realFS(t), h.PID())
	stat, err := p.Stat()
	if err != nil || stat.PID != h.PID() || stat.PPID != os.Getpid() || stat.Name() != "exe" {
		t.Errorf("stat %+v (%s), %v", stat, stat.Name(), err)
	}
	if p.ID() != (ID{PID: h.PID(), Start: stat.Start}) || stat.Start == 0 {
		t.Errorf("ID %+v", p.ID())
	}
	if !p.Permitted() {
		t.Error("our own child is not permitted")
	}
	status, err := p.Status()
	if err != nil || status.UID != os.Geteuid() || status.GID != os.Getegid() || status.NSPID.Or(0) != h.PID() || status.VMRSS.Or(0) == 0 {
		t.Errorf("status %+v, %v", status, err)
	}
	// Two readings of what stands still, by different ways of counting.
	smaps, err := p.Smaps()
	if rss := status.VMRSS.Or(0); err != nil || smaps.Rss < rss/2 || smaps.Rss > rss*2 || smaps.PrivateDirty == 0 || smaps.PrivateDirty > smaps.Rss {
		t.Errorf("smaps %+v, %v; status has %d bytes", smaps, err, rss)
	}
	if title, err := p.Title(); err != nil || title != "/proc/self/exe" {
		t.Errorf("title %q, %v", title, err)
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if exe, err := p.Executable(); err != nil || exe != own {
		t.Errorf("executable %q, %v; want %q", exe, err, own)
	}
	if _, err := p.WrittenBytes(); err != nil {
		t.Error(err)
	}
	if ran, err := p.RunTime(); err != nil || ran <= 0 || ran > time.Minute {
		t.Errorf("it ran for %v, %v", ran, err)
	}
	if status, ok := p.ExitStatus(); ok {
		t.Errorf("it lives, with exit status %v", status)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	assertGone(t, p)
}

// assertGone wants every read to say so.
func assertGone(t *testing.T, p *Process) {
	t.Helper()
	for what, read := range map[string]func() error{
		"stat":       func() error { _, err := p.Stat(); return err },
		"status":     func() error { _, err := p.Status(); return err },
		"schedstat":  func() error { _, err := p.RunTime(); return err },
		"smaps":      func() error { _, err := p.Smaps(); return err },
		"title":      func() error { _, err := p.Title(); return err },
		"executable": func() error { _, err := p.Executable(); return err },
		"io":         func() error { _, err := p.WrittenBytes(); return err },
	} {
		if what == "io" && p.io < 0 {
			continue // a zombie when it was opened, whose io only root may open
		}
		wantErr(t, what, read(), ErrGone)
	}
}

func TestOpenNobody(t *testing.T) {
	h := play.Start(t, "exit", "0", 0).Ready()
	h.Finish()
	h.Reap()
	if p, err := realFS(t).Open(h.PID()); !errors.Is(err, ErrGone) {
		t.Errorf("%+v, error %v, want ErrGone", p, err)
	}
}

func TestBirthTime(t *testing.T) {
	const tick = time.Second / TicksPerSecond
	before := time.Now()
	h := play.Start(t, "exit", "0", 0)
	after := time.Now()
	p := open(t, realFS(t), h.Ready().PID())
	born, err := p.BirthTime()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // two clocks are read, and we may have been stopped in between
		if again, err := p.BirthTime(); err == nil && again.Before(born) {
			born = again
		}
	}
	if born.Before(before.Add(-tick)) || born.After(after.Add(tick)) {
		t.Errorf("born at %v, want between %v and %v", born, before, after)
	}
}

func TestBirthTimeInTheFuture(t *testing.T) {
	p := &Process{id: ID{Start: 1 << 38}}
	if born, err := p.BirthTime(); err == nil {
		t.Errorf("born at %v", born)
	}
}

// ownStat is a stat of ours, in a fake procfs.
func ownStat(t testing.TB) string {
	t.Helper()
	return strings.Replace(string(fixture(t, "stat/server")), "17513", strconv.Itoa(os.Getpid()), 1)
}

// fakeSelf makes a procfs that has our own pid only.
func fakeSelf(t testing.TB) (fs FS, dir string) {
	t.Helper()
	root := t.TempDir()
	pid := strconv.Itoa(os.Getpid())
	dir = filepath.Join(root, pid)
	write(t, filepath.Join(dir, "stat"), ownStat(t))
	if err := os.Symlink(pid, filepath.Join(root, "self")); err != nil {
		t.Fatal(err)
	}
	fs, err := NewFS(root)
	if err != nil {
		t.Fatal(err)
	}
	return fs, dir
}

// write writes a file and the directories it is in. One that is open already
// keeps its descriptors.
func write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSmapsInPieces(t *testing.T) {
	for name, kB := range sumsOfFixtures {
		whole := fixture(t, "smaps/"+name)
		file := "smaps"
		if strings.HasSuffix(name, "_rollup") {
			file = "smaps_rollup"
		}
		fs, dir := fakeSelf(t)
		write(t, filepath.Join(dir, file), string(whole))
		p := open(t, fs, os.Getpid())
		for range 2 { // again over the same descriptor
			if got, err := p.Smaps(); err != nil || got != bytesOf(kB) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		if len(whole) > len(p.buf) != (file == "smaps") {
			t.Errorf("%s: %d bytes, the buffer has %d", name, len(whole), len(p.buf))
		}
	}
}

// All places of a line's end against the buffer's.
func TestSmapsAcrossTheBuffer(t *testing.T) {
	fs, dir := fakeSelf(t)
	whole := fixture(t, "smaps/redis-7.2.smaps")
	p := open(t, fs, os.Getpid())
	first, rest, _ := bytes.Cut(whole, []byte("\n"))
	for n := range 120 {
		write(t, filepath.Join(dir, "smaps"), fmt.Sprintf("%s%s\n%s", first, strings.Repeat("x", n), rest))
		if got, err := p.Smaps(); err != nil || got != bytesOf(sumsOfFixtures["redis-7.2.smaps"]) {
			t.Fatalf("%d bytes more: %+v, %v", n, got, err)
		}
	}
}

func TestSmapsErrors(t *testing.T) {
	whole := string(fixture(t, "smaps/redis-7.2.smaps"))
	fs, dir := fakeSelf(t)
	p := open(t, fs, os.Getpid())
	_, err := p.Smaps()
	wantErr(t, "no such file", err, ErrGone)
	for what, test := range map[string]struct {
		text string
		want error
	}{
		"empty":               {"", ErrGone},
		"cut inside":          {whole[:20000], ErrTruncated},
		"cut after the dirty": {whole[:strings.LastIndex(whole, "Referenced:")], ErrTruncated},
	} {
		write(t, filepath.Join(dir, "smaps"), test.text)
		got, err := p.Smaps()
		wantErr(t, what, err, test.want)
		if got != (Smaps{}) {
			t.Errorf("%s: a sum all the same: %+v", what, got)
		}
	}
	write(t, filepath.Join(dir, "smaps"), "a header of "+strings.Repeat("x", 20_000))
	if got, err := p.Smaps(); err == nil {
		t.Errorf("a line longer than the buffer: %+v", got)
	}
}

// Every line of the whole smaps, and of nothing else.
func TestEachSmapsLine(t *testing.T) {
	whole := fixture(t, "smaps/redis-7.2.smaps")
	fs, dir := fakeSelf(t)
	write(t, filepath.Join(dir, "smaps_rollup"), string(fixture(t, "smaps/redis-7.2.smaps_rollup")))
	write(t, filepath.Join(dir, "smaps"), string(whole))
	p := open(t, fs, os.Getpid())
	var got []byte
	if err := p.EachSmapsLine(func(line []byte) error {
		got = append(append(got, line...), '\n')
		return nil
	}); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("%d bytes of %d, %v", len(got), len(whole), err)
	}
	broken := errors.New("broken")
	wantErr(t, "a line that can't be used", p.EachSmapsLine(func([]byte) error { return broken }), broken)
	every := func([]byte) error { return nil }
	for what, test := range map[string]struct {
		text string
		want error
	}{
		"a zombie's":         {"", ErrGone},
		"cut inside a line":  {string(whole[:len(whole)-5]), ErrTruncated},
		"cut, of many lines": {string(whole[:30000]), ErrTruncated},
	} {
		write(t, filepath.Join(dir, "smaps"), test.text)
		wantErr(t, what, p.EachSmapsLine(every), test.want)
	}
	write(t, filepath.Join(dir, "smaps"), strings.Repeat("1", 1<<17))
	if err := p.EachSmapsLine(every); err == nil {
		t.Error("a very long line is no error")
	}
	write(t, filepath.Join(dir, "smaps"), string(whole))
	write(t, filepath.Join(dir, "stat"), strings.Replace(ownStat(t), "68050944", "0", 1)) // its memory went meanwhile
	wantErr(t, "an ending process", p.EachSmapsLine(every), ErrGone)
}

// The kernel ends smaps early when the memory goes while it is read.
func TestSmapsOfAnEndingProcess(t *testing.T) {
	fs, dir := fakeSelf(t)
	p := open(t, fs, os.Getpid())
	mappings := blocks(fixture(t, "smaps/redis-7.2.smaps"))
	write(t, filepath.Join(dir, "smaps"), string(bytes.Join(mappings[:30], nil))) // whole mappings, but not all
	if _, err := p.Smaps(); err != nil {
		t.Fatal(err)
	}
	stat := strings.Replace(string(fixture(t, "stat/server")), "68050944", "0", 1)
	write(t, filepath.Join(dir, "stat"), stat)
	got, err := p.Smaps()
	wantErr(t, "no memory any more", err, ErrGone)
	if got != (Smaps{}) {
		t.Errorf("a sum all the same: %+v", got)
	}
}

func TestCloseWhileReading(t *testing.T) {
	h := play.Start(t, "exit", "0", 0).Ready()
	fs := realFS(t)
	for range 20 {
		p := open(t, fs, h.PID())
		var readers, closers sync.WaitGroup
		started := make(chan struct{}, 5)
		for _, read := range []func() error{
			func() error { _, err := p.Stat(); return err },
			func() error { _, err := p.Status(); return err },
			func() error { _, err := p.Smaps(); return err },
			func() error { _, err := p.Title(); return err },
			func() error { p.ExitStatus(); _, err := p.WrittenBytes(); return err },
		} {
			readers.Go(func() {
				err := read()
				started <- struct{}{}
				for err == nil {
					err = read()
				}
				wantErr(t, "read of what was closed", err, ErrGone)
			})
		}
		for range cap(started) {
			<-started
		}
		for range 3 {
			closers.Go(func() {
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		closers.Wait()
		readers.Wait()
		if closed(p.Exited()) || closed(p.Reaped()) {
			t.Fatal("closing looks like an end")
		}
	}
}

func TestNewFS(t *testing.T) {
	if _, err := NewFS(t.TempDir()); err == nil || !strings.Contains(err.Error(), "--path.procfs") {
		t.Errorf("error %v, want one that names the flag", err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "self", "stat"), string(fixture(t, "stat/kernel-thread"))) // 2 is not us
	if _, err := NewFS(dir); err == nil || !strings.Contains(err.Error(), "another PID namespace") {
		t.Errorf("another namespace's procfs: error %v", err)
	}
}
