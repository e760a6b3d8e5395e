package proc

import (
	"cmp"
	"errors"
	"math/bits"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/play"
)

// Every page of the mappings is at one place, or where there are too many, the
// places are inside the mappings, apart from each other, and stand for all.
func TestChoose(t *testing.T) {
	const page = 4096
	for _, pages := range []uint64{1, 63, 64, 65, 1000, 1_000_000} {
		mappings := []Mapping{{page, 2 * page}, {1 << 20, 1<<20 + pages*page}, {1 << 40, 1<<40 + 3*page}}
		places, weight := choose(mappings, page, 1000)
		slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.page, b.page) })
		var sum, last uint64
		for _, p := range places {
			inside := p.page == 1 && p.pages == 1 ||
				p.page >= 256 && p.page+uint64(p.pages) <= 256+pages ||
				p.page == 1<<28 && p.pages == 3
			if !inside || p.page < last || p.pages < 1 || p.pages > placePages {
				t.Fatalf("%d pages: place %+v", pages, p)
			}
			last = p.page + uint64(p.pages)
			sum += uint64(p.pages)
		}
		all := 2 + (pages+placePages-1)/placePages
		if weight != max(1, float64(all)/1000) || len(places) != int(min(1000, all)) {
			t.Errorf("%d pages: %d places of weight %v", pages, len(places), weight)
		}
		if weight == 1 && sum != pages+4 {
			t.Errorf("%d pages: %d are at a place", pages+4, sum)
		}
	}
	if places, weight := choose(nil, page, 10); len(places) != 0 || weight != 0 {
		t.Errorf("no mapping: %v of weight %v", places, weight)
	}
}

// A whole round over a process's places finds what its smaps says.
func TestPagesOfARealProcess(t *testing.T) {
	const mine = 40_000
	memory, err := unix.Mmap(-1, 0, mine*os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(memory) }()
	_ = unix.Madvise(memory, unix.MADV_NOHUGEPAGE)
	for i := 0; i < mine; i += 3 { // every third
		memory[i*os.Getpagesize()] = 1
	}
	p := open(t, realFS(t), os.Getpid())
	pages, err := p.Pages()
	if errors.Is(err, ErrDenied) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer pages.Close()
	private, read := 0, map[int]bool{}
	for len(read) < pages.Places() {
		places, err := pages.Read()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range places {
			if !read[r.Place] {
				private += bits.OnesCount64(r.Private)
			}
			read[r.Place] = true
		}
	}
	smaps, err := p.Smaps()
	if err != nil {
		t.Fatal(err)
	}
	found := float64(private) * pages.Weight() * float64(os.Getpagesize())
	// A program that has just been built is dirty in the page cache, and its text
	// private dirty by smaps, but it is no memory that is written to.
	least := float64(mine / 3 * os.Getpagesize())
	if exact := float64(smaps.PrivateDirty); found < least || found > exact*1.1 {
		t.Errorf("%.1f MB are private, smaps has %.1f MB", found/1e6, exact/1e6)
	}
}

func TestPagesOfAnEndedProcess(t *testing.T) {
	h := play.Start(t, "exit", "0", 0).Ready()
	p := open(t, realFS(t), h.PID())
	pages, err := p.Pages()
	if err != nil {
		t.Fatal(err)
	}
	defer pages.Close()
	end(h, false)
	within(t, p.Exited(), "exited")
	if _, err := pages.Read(); !errors.Is(err, ErrGone) {
		t.Errorf("read of a zombie: %v, want ErrGone", err)
	}
	if _, err := p.Pages(); !errors.Is(err, ErrGone) {
		t.Errorf("the places of a zombie: %v, want ErrGone", err)
	}
}

func FuzzParseMaps(f *testing.F) {
	b, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("7f00-7f01 rw-p 0 0:0 0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		mappings, err := ParseMaps(b)
		if err != nil {
			return
		}
		for _, m := range mappings {
			if m.End <= m.Start {
				t.Errorf("mapping %x-%x", m.Start, m.End)
			}
		}
	})
}

func TestParseMaps(t *testing.T) {
	const text = "55d0c0000000-55d0c0100000 r-xp 00000000 fe:00 123 /usr/bin/redis-server\n" +
		"55d0c0100000-55d0c0180000 rw-p 00100000 fe:00 123 /usr/bin/redis-server\n" +
		"7f0000000000-7f0040000000 rw-p 00000000 00:00 0 \n" +
		"7f0040000000-7f0050000000 rw-s 00000000 00:05 77 /dev/shm/x y\n" +
		"7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0 [stack]\n" +
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n"
	got, err := ParseMaps([]byte(text))
	want := []Mapping{{0x55d0c0100000, 0x55d0c0180000}, {0x7f0000000000, 0x7f0040000000}, {0x7ffd00000000, 0x7ffd00021000}}
	if err != nil || len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("%x, %v", got, err)
	}
	for _, bad := range []string{text[:len(text)-1], "x\n", "2000-1000 rw-p 0 0:0 0\n", "1000-2000 rw\n", "1000-2000 rw-p"} {
		if _, err := ParseMaps([]byte(bad)); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
	if _, err := ParseMaps(nil); !errors.Is(err, ErrGone) {
		t.Errorf("nothing: %v, want ErrGone", err)
	}
}

func BenchmarkPagesRead(b *testing.B) {
	p := open(b, realFS(b), os.Getpid())
	memory, err := unix.Mmap(-1, 0, 512<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Munmap(memory) //nolint:errcheck // the process ends soon
	for i := 0; i < len(memory); i += os.Getpagesize() {
		memory[i] = 1
	}
	pages, err := p.Pages()
	if err != nil {
		b.Fatal(err)
	}
	defer pages.Close()
	for b.Loop() {
		if _, err := pages.Read(); err != nil {
			b.Fatal(err)
		}
	}
}
