package limits

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

const (
	mb = uint64(1) << 20
	gb = uint64(1) << 30
)

// TestOvercommitByKernel is the kernel's rule by version and mode.
func TestOvercommitByKernel(t *testing.T) {
	m := memory{total: 16 * gb, swapTotal: 2 * gb, commitLimit: 10 * gb, committed: 4 * gb, reclaimable: 3 * gb}
	h := held{admin: 8 * mb, user: 128 * mb, total: 100 * mb}
	page := uint64(os.Getpagesize())
	guess := overcommit{mapping: opt.Of(3*gb - 108*mb - page)}
	whole := overcommit{mapping: opt.Of(18 * gb)}
	strict := overcommit{commit: opt.Of(6*gb - 8*mb - 128*mb)}
	for _, test := range []struct {
		mode, major, minor int
		want               overcommit
	}{
		{0, 3, 10, guess},
		{0, 4, 18, guess},
		{0, 5, 1, guess},
		{0, 5, 2, whole},
		{0, 5, 15, whole},
		{0, 6, 0, whole},
		{0, 6, 18, whole},
		{1, 4, 18, overcommit{}},
		{1, 6, 18, overcommit{}},
		{2, 3, 10, strict},
		{2, 5, 1, strict},
		{2, 6, 18, strict},
	} {
		if got := enoughMemory(test.mode, Kernel{test.major, test.minor}, 8*gb, m, h); got != test.want {
			t.Errorf("mode %d on Linux %d.%d: %+v, want %+v", test.mode, test.major, test.minor, got, test.want)
		}
	}
}

func TestOvercommitReserves(t *testing.T) {
	h := held{admin: 8 * mb, user: 128 * mb}
	// A small process holds back a 32nd of itself only.
	got := enoughMemory(2, Kernel{6, 1}, 320*mb, memory{commitLimit: gb, committed: 500 * mb}, h)
	if want := opt.Of(gb - 500*mb - 8*mb - 10*mb); got.commit != want {
		t.Errorf("small process: %v, want %v", got.commit, want)
	}
	for name, m := range map[string]memory{
		"more committed than allowed": {commitLimit: gb, committed: 2 * gb},
		"less than the reserves":      {commitLimit: 4 * mb},
	} {
		if got := enoughMemory(2, Kernel{6, 1}, 8*gb, m, h); got.commit != opt.Of(uint64(0)) {
			t.Errorf("%s: %v", name, got.commit)
		}
	}
	if got := enoughMemory(0, Kernel{4, 19}, gb, memory{reclaimable: 50 * mb}, held{total: 100 * mb}); got.mapping != opt.Of(uint64(0)) {
		t.Errorf("nothing to be had: %v", got.mapping)
	}
}

const meminfo = `MemTotal:       16000000 kB
MemFree:         1000000 kB
MemAvailable:    5000000 kB
Buffers:           20000 kB
Cached:          3000000 kB
SwapCached:         1000 kB
SwapTotal:       2000000 kB
SwapFree:        1500000 kB
Shmem:            500000 kB
SReclaimable:     300000 kB
CommitLimit:    10000000 kB
Committed_AS:    4000000 kB
HugePages_Total:       0
`

func memoryFS(t *testing.T, files map[string]string) FS {
	t.Helper()
	fs := FS{proc: t.TempDir(), sys: t.TempDir()}
	for name, text := range files {
		write(t, filepath.Join(fs.proc, name), text)
	}
	return fs
}

func TestMemory(t *testing.T) {
	got, err := memoryFS(t, map[string]string{"meminfo": meminfo}).memory()
	want := memory{
		total: 16000000 << 10, available: opt.Of(uint64(5000000) << 10), swapTotal: 2000000 << 10,
		commitLimit: 10000000 << 10, committed: 4000000 << 10,
		reclaimable: (1000000 + 20000 + 3000000 + 1000 + 1500000 + 300000 - 500000) << 10,
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
	got, err = memoryFS(t, map[string]string{"meminfo": "MemTotal: 5 kB\nCommitLimit: 3 kB\nCommitted_AS: 1 kB\n"}).memory() // before Linux 3.14
	if err != nil || got.available.Present() {
		t.Errorf("without MemAvailable: %+v, %v", got, err)
	}
	for name, text := range map[string]string{"empty": "", "cut short": "MemTotal: 5 kB\n", "garbage": "MemTotal: much kB\n"} {
		if got, err := memoryFS(t, map[string]string{"meminfo": text}).memory(); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got, err := memoryFS(t, nil).memory(); err == nil { // systemd's ProcSubset=pid hides it
		t.Errorf("no file: %+v", got)
	}
	if got, err := realFS().memory(); err != nil || got.total == 0 || got.available.Or(0) == 0 {
		t.Errorf("this machine: %+v, %v", got, err)
	}
}

func TestOvercommitReads(t *testing.T) {
	files := map[string]string{"meminfo": meminfo, "sys/vm/overcommit_memory": "2\n", "sys/vm/admin_reserve_kbytes": "8192\n", "sys/vm/user_reserve_kbytes": "131072\n"}
	fs := memoryFS(t, files)
	m, err := fs.memory()
	if err != nil {
		t.Fatal(err)
	}
	got, err := fs.overcommit(m, 64*gb)
	if want := (overcommit{commit: opt.Of(uint64(6000000)<<10 - 8*mb - 128*mb)}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	write(t, filepath.Join(fs.proc, "sys/vm/overcommit_memory"), "1\n")
	if got, err := fs.overcommit(m, 64*gb); err != nil || got != (overcommit{}) {
		t.Errorf("mode 1: %+v, %v", got, err)
	}
	if got, err := memoryFS(t, nil).overcommit(m, gb); err == nil {
		t.Errorf("no mode: %+v", got)
	}
}

// zoneinfo is cut to what counts, of a small machine.
const zoneinfo = `Node 0, zone      DMA
  per-node stats
      nr_inactive_anon 22
  pages free     3840
        min      10
        low      13
        high     16
        spanned  4095
        present  3998
        managed  3840
        protection: (0, 2900, 23900, 23900, 23900)
Node 0, zone    DMA32
  pages free     700000
        min      2000
        low      2700
        high     3400
        managed  742000
        protection: (0, 0, 21000, 21000, 21000)
  pagesets
    cpu: 0
              count: 10
              high:  378
Node 0, zone   Normal
  pages free     200000
        min      10000
        low      12500
        high     15000
        managed  5376000
        protection: (0, 0, 0, 0, 0)
`

func TestTotalReserve(t *testing.T) {
	fs := memoryFS(t, map[string]string{"zoneinfo": zoneinfo})
	// Of the first zone no more than there is.
	want := uint64(3840+(21000+3400)+15000) * uint64(os.Getpagesize())
	if got := fs.totalReserve(); got != want {
		t.Errorf("%d, want %d", got, want)
	}
	if got := memoryFS(t, nil).totalReserve(); got != 0 {
		t.Errorf("no file: %d", got)
	}
}
