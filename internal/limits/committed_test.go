package limits

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// committedOfFixtures were added up by another program, in kB. jemalloc maps the
// heap of servers from 5.0 with MAP_NORESERVE; in the older two the heap is one
// accounted mapping.
var committedOfFixtures = map[string]Committed{
	"redis-2.8.smaps":  {Bytes: 435064, Largest: 409600},
	"redis-3.2.smaps":  {Bytes: 412292, Largest: 391168},
	"redis-5.0.smaps":  {Bytes: 27344, Largest: 8192},
	"redis-6.2.smaps":  {Bytes: 35592, Largest: 8192},
	"redis-7.2.smaps":  {Bytes: 36068, Largest: 8192},
	"redis-7.4.smaps":  {Bytes: 44272, Largest: 8192},
	"valkey-8.0.smaps": {Bytes: 36100, Largest: 8192},
}

// smaps plays a process by the text of its smaps.
type smaps []byte

func (s smaps) EachSmapsLine(line func([]byte) error) error {
	for b := range bytes.Lines(s) {
		if err := line(bytes.TrimSuffix(b, []byte("\n"))); err != nil {
			return err
		}
	}
	return nil
}

func smapsFixture(t *testing.T, name string) smaps {
	t.Helper()
	b, err := os.ReadFile("../proc/testdata/smaps/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadCommitted(t *testing.T) {
	for name, kB := range committedOfFixtures {
		text := smapsFixture(t, name)
		want := Committed{Bytes: kB.Bytes << 10, Largest: kB.Largest << 10}
		if got, err := ReadCommitted(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestReadCommittedFlags(t *testing.T) {
	const mapping = "1000-3000 rw-p 00000000 00:00 0 \nSize:                  8 kB\nVmFlags: "
	for flags, want := range map[string]uint64{
		"rd wr mr mw me ac sd \n": 0x2000,
		"rd wr mr mw me nr sd \n": 0,
		"rd wr ac dc \n":          0, // a fork does not copy it
		"rd wr back dac \n":       0, // only whole words
	} {
		if got, err := ReadCommitted(smaps(mapping + flags)); err != nil || got.Bytes != want || got.Largest != want {
			t.Errorf("%q: %+v, %v; want %d", flags, got, err, want)
		}
	}
}

func TestReadCommittedErrors(t *testing.T) {
	good := string(smapsFixture(t, "redis-7.2.smaps"))
	for name, test := range map[string]struct {
		text string
		want error // nil: any
	}{
		"a zombie's":           {"", proc.ErrGone},
		"cut inside a mapping": {good[:strings.LastIndex(good, "VmFlags:")], nil},
		"without flags":        {strings.ReplaceAll(good, "VmFlags:", "Flags:"), nil}, // before Linux 3.8
		"no addresses":         {"what is this\n", nil},
		"backwards":            {"3000-1000 rw-p 0 00:00 0\nVmFlags: ac\n", nil},
	} {
		got, err := ReadCommitted(smaps(test.text))
		if err == nil || test.want != nil && !errors.Is(err, test.want) || got != (Committed{}) {
			t.Errorf("%s: %+v, error %v, want %v", name, got, err, test.want)
		}
	}
}

func TestReadCommittedOfThisProcess(t *testing.T) {
	processes, err := proc.NewFS("/proc")
	if err != nil {
		t.Fatal(err)
	}
	p, err := processes.Open(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	stat, err := p.Stat()
	if err != nil {
		t.Fatal(err)
	}
	a, err := ReadCommitted(p)
	if err != nil || a.Bytes == 0 || a.Largest == 0 || a.Largest > a.Bytes || a.Bytes > 2*stat.VirtualBytes {
		t.Errorf("%+v of %d bytes, %v", a, stat.VirtualBytes, err)
	}
}

func FuzzCommitted(f *testing.F) {
	f.Add([]byte("1000-3000 rw-p 00000000 00:00 0 \nVmFlags: rd ac \n"))
	f.Add([]byte("1000-"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ReadCommitted(smaps(b))
		if err != nil && a != (Committed{}) {
			t.Errorf("%+v with an error: %v", a, err)
		}
		if a.Largest > a.Bytes {
			t.Errorf("the largest is more than all: %+v", a)
		}
	})
}
