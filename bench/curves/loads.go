package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// workload is what clients do while the child lives. Together the workloads do
// to shared memory whatever can be done to it.
type workload struct {
	name      string
	valueSize int
	least     int // values have this size to valueSize; 0: all have valueSize
	mix       redisrun.Mix
	slow      int // writes a second
	fast      int
}

func workloads() []workload {
	const small, middle, large = 400, 16 << 10, 64 << 10
	return []workload{
		{name: "overwrite", valueSize: small, slow: 4_000, fast: 20_000},
		{name: "overwrite, varying size", valueSize: small, least: small / 4, slow: 4_000, fast: 20_000},
		{name: "insert", valueSize: small, mix: redisrun.Mix{Insert: 1}, slow: 4_000, fast: 20_000},
		{name: "delete", valueSize: small, mix: redisrun.Mix{Delete: 1}, slow: 4_000, fast: 20_000},
		{name: "delete 16 KB", valueSize: middle, mix: redisrun.Mix{Delete: 1}, slow: 500, fast: 2_500},
		{name: "unlink 64 KB", valueSize: large, mix: redisrun.Mix{Unlink: 1}, slow: 100, fast: 500},
		{name: "overwrite 16 KB", valueSize: middle, slow: 500, fast: 2_500},
		{name: "overwrite 64 KB", valueSize: large, slow: 100, fast: 500},
		{name: "mix", valueSize: small, mix: redisrun.Mix{Overwrite: 50, Insert: 30, Delete: 10, Patch: 10}, slow: 4_000, fast: 20_000},
	}
}

// choose returns the workloads of these names, separated by semicolons; all for none.
func choose(names string) ([]workload, error) {
	if names == "" {
		return workloads(), nil
	}
	var chosen []workload
	for name := range strings.SplitSeq(names, ";") {
		found := false
		for _, w := range workloads() {
			if w.name == strings.TrimSpace(name) {
				chosen, found = append(chosen, w), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no load %q", name)
		}
	}
	return chosen, nil
}

// overhead is what a key takes besides its value: name, entry, object. With it,
// 2^29 and 2^30 bytes of small values are just below a size at which the server's
// hash table grows.
const overhead = 116

// keys is how many keys of this workload fill so many bytes.
func (w *workload) keys(bytes int) int { return max(1, bytes/(w.valueSize+overhead)) }

// load is the workload at a rate, on a server with so many keys.
func (w *workload) load(keys, rate int) redisrun.LoadOptions {
	return redisrun.LoadOptions{Rate: rate, Keys: keys, ValueSize: w.valueSize, MinValueSize: w.least, Mix: w.mix}
}

// saveDelay is the setting rdb-key-save-delay that makes a child wait for d in
// all over so many keys, where the shortest sleep of a process takes nap:
// microseconds a key, or, below 0, that it naps at one of so many keys.
func saveDelay(d time.Duration, keys int, nap time.Duration) int {
	each := d / time.Duration(keys)
	if each > 2*nap {
		return int((each - nap).Microseconds())
	}
	return -max(1, int(nap*time.Duration(keys)/d))
}

// measureNap finds out how long the shortest sleep takes: the middle one of some,
// as on a busy machine a few take very long.
func measureNap() time.Duration {
	const naps = 51
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	shortest := syscall.NsecToTimespec(time.Microsecond.Nanoseconds())
	var took [naps]time.Duration
	for i := range took {
		start := time.Now()
		_ = syscall.Nanosleep(&shortest, nil) // interrupted: an even shorter one
		took[i] = time.Since(start)
	}
	slices.Sort(took[:])
	return took[naps/2]
}
