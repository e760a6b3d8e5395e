package proc

import (
	"fmt"

	"github.com/prometheus/procfs"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Memory is what /proc/meminfo says of the host, in bytes.
type Memory struct {
	Total     uint64
	Available opt.Val[uint64] // what new memory can be had without swapping; since Linux 3.14
	SwapTotal uint64
	// CommitLimit and Committed are those of overcommit mode 2, kept in all modes.
	CommitLimit uint64
	Committed   uint64
	// reclaimable is free memory, and what the kernel before 5.2 took for as good as
	// free in overcommit mode 0: page cache, swap, slabs.
	reclaimable uint64
}

// Memory reads /proc/meminfo.
func (fs FS) Memory() (Memory, error) {
	lib, err := procfs.NewFS(fs.proc)
	if err != nil {
		return Memory{}, fmt.Errorf("reading the host's memory: %w", err)
	}
	info, err := lib.Meminfo()
	if err != nil {
		return Memory{}, fmt.Errorf("reading the host's memory: %w", err)
	}
	if info.MemTotalBytes == nil || info.CommitLimitBytes == nil || info.CommittedASBytes == nil {
		return Memory{}, fmt.Errorf("reading the host's memory: %w", ErrTruncated)
	}
	var m Memory
	if info.MemAvailableBytes != nil {
		m.Available = opt.Of(*info.MemAvailableBytes)
	}
	m.Total, m.SwapTotal = *info.MemTotalBytes, sum(info.SwapTotalBytes)
	m.CommitLimit, m.Committed = *info.CommitLimitBytes, *info.CommittedASBytes
	m.reclaimable = sum(info.MemFreeBytes, info.CachedBytes, info.BuffersBytes, info.SwapCachedBytes, info.SwapFreeBytes, info.SReclaimableBytes)
	m.reclaimable -= min(m.reclaimable, sum(info.ShmemBytes))
	return m, nil
}

func sum(parts ...*uint64) (total uint64) {
	for _, p := range parts {
		if p != nil {
			total += *p
		}
	}
	return total
}
