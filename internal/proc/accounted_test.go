package proc

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

// accountedOfFixtures were added up by another program, in kB. jemalloc maps the
// heap of servers from 5.0 with MAP_NORESERVE; in the older two the heap is one
// accounted mapping.
var accountedOfFixtures = map[string]Accounted{
	"redis-2.8.smaps":  {435064, 409600},
	"redis-3.2.smaps":  {412292, 391168},
	"redis-5.0.smaps":  {27344, 8192},
	"redis-6.2.smaps":  {35592, 8192},
	"redis-7.2.smaps":  {36068, 8192},
	"redis-7.4.smaps":  {44272, 8192},
	"valkey-8.0.smaps": {36100, 8192},
}

func TestAccounted(t *testing.T) {
	for name, kB := range accountedOfFixtures {
		text := fixture(t, "smaps/"+name)
		want := Accounted{kB.Bytes << 10, kB.Largest << 10}
		if got, err := parseAccounted(bytes.NewReader(text)); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
		if got, err := parseAccounted(iotest.OneByteReader(bytes.NewReader(text))); err != nil || got != want {
			t.Errorf("%s, byte by byte: %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestAccountedFlags(t *testing.T) {
	const mapping = "1000-3000 rw-p 00000000 00:00 0 \nSize:                  8 kB\nVmFlags: "
	for flags, want := range map[string]uint64{
		"rd wr mr mw me ac sd \n": 0x2000,
		"rd wr mr mw me nr sd \n": 0,
		"rd wr ac dc \n":          0, // a fork does not copy it
		"rd wr back dac \n":       0, // only whole words
	} {
		if got, err := parseAccounted(strings.NewReader(mapping + flags)); err != nil || got.Bytes != want || got.Largest != want {
			t.Errorf("%q: %+v, %v; want %d", flags, got, err, want)
		}
	}
}

func TestAccountedErrors(t *testing.T) {
	good := string(fixture(t, "smaps/redis-7.2.smaps"))
	for name, test := range map[string]struct {
		text string
		want error // nil: any
	}{
		"a zombie's":       {"", ErrGone},
		"cut short":        {good[:len(good)-5], ErrTruncated},
		"without flags":    {strings.ReplaceAll(good, "VmFlags:", "Flags:"), nil}, // before Linux 3.8
		"no addresses":     {"what is this\n", nil},
		"backwards":        {"3000-1000 rw-p 0 00:00 0\nVmFlags: ac\n", nil},
		"a very long line": {strings.Repeat("1", 1<<17), nil},
	} {
		got, err := parseAccounted(strings.NewReader(test.text))
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %+v, error %v, want %v", name, got, err, test.want)
		}
	}
	broken := errors.New("broken")
	if _, err := parseAccounted(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a failing read: %v", err)
	}
}

func TestAccountedOfThisProcess(t *testing.T) {
	p, err := realFS(t).Open(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	stat, err := p.Stat()
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.Accounted()
	if err != nil || a.Bytes == 0 || a.Largest == 0 || a.Largest > a.Bytes || a.Bytes > 2*stat.VirtualBytes {
		t.Errorf("%+v of %d bytes, %v", a, stat.VirtualBytes, err)
	}
}

func FuzzAccounted(f *testing.F) {
	f.Add([]byte("1000-3000 rw-p 00000000 00:00 0 \nVmFlags: rd ac \n"))
	f.Add([]byte("1000-"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parseAccounted(bytes.NewReader(b))
		if err != nil && a != (Accounted{}) {
			t.Errorf("%+v with an error: %v", a, err)
		}
		if a.Largest > a.Bytes {
			t.Errorf("the largest is more than all: %+v", a)
		}
	})
}
