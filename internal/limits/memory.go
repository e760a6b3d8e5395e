package limits

import (
	"fmt"

	"github.com/prometheus/procfs"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// memory is what /proc/meminfo says of the host, in bytes.
type memory struct {
	total     uint64
	available opt.Val[uint64] // what new memory can be had without swapping; since Linux 3.14
	swapTotal uint64
	// commitLimit and committed are those of overcommit mode 2, kept in all modes.
	commitLimit uint64
	committed   uint64
	// reclaimable is free memory, and what the kernel before 5.2 took for as good as
	// free in overcommit mode 0: page cache, swap, slabs.
	reclaimable uint64
}

// memory returns what /proc/meminfo says.
func (fs FS) memory() (memory, error) {
	lib, err := procfs.NewFS(fs.proc)
	if err != nil {
		return memory{}, fmt.Errorf("reading the host's memory: %w", err)
	}
	info, err := lib.Meminfo()
	if err != nil {
		return memory{}, fmt.Errorf("reading the host's memory: %w", err)
	}
	if info.MemTotalBytes == nil || info.CommitLimitBytes == nil || info.CommittedASBytes == nil {
		return memory{}, fmt.Errorf("reading the host's memory: %w", proc.ErrTruncated)
	}
	var m memory
	if info.MemAvailableBytes != nil {
		m.available = opt.Of(*info.MemAvailableBytes)
	}
	m.total, m.swapTotal = *info.MemTotalBytes, sum(info.SwapTotalBytes)
	m.commitLimit, m.committed = *info.CommitLimitBytes, *info.CommittedASBytes
	m.reclaimable = sum(info.MemFreeBytes, info.CachedBytes, info.BuffersBytes, info.SwapCachedBytes, info.SwapFreeBytes, info.SReclaimableBytes)
	m.reclaimable -= min(m.reclaimable, sum(info.ShmemBytes))
	return m, nil
}

// sum returns the sum of those parts that are there.
func sum(parts ...*uint64) (total uint64) {
	for _, p := range parts {
		if p != nil {
			total += *p
		}
	}
	return total
}
