package limits

import (
	"os"
	"path/filepath"

	"github.com/prometheus/procfs"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// overcommit is what the kernel checks a fork against for the size of its memory,
// in bytes. See Limits for the fields.
type overcommit struct {
	commit, mapping opt.Val[uint64]
}

// overcommit returns what the running kernel would check of a fork of a process with
// virtual bytes of address space, on a host with the memory m.
func (fs FS) overcommit(m memory, virtual uint64) (overcommit, error) {
	mode, err := fs.overcommitMode()
	if err != nil || mode == 1 {
		return overcommit{}, err
	}
	kernel, err := runningKernel()
	if err != nil {
		return overcommit{}, err
	}
	h := held{admin: fs.reserve("admin_reserve_kbytes"), user: fs.reserve("user_reserve_kbytes")}
	if mode == 0 && guessesFreeMemory(kernel) {
		h.total = fs.totalReserve()
	}
	return enoughMemory(mode, kernel, virtual, m, h), nil
}

// held is what the kernel holds back, in bytes: for the administrator, for the user
// to mend things, and for itself.
type held struct{ admin, user, total uint64 }

// guessesFreeMemory reports whether kernel still guesses in mode 0 how much memory
// could be had. From Linux 5.2 it refuses only what could never fit (8c7829b04c52).
func guessesFreeMemory(kernel Kernel) bool { return kernel.Before(5, 2) }

// enoughMemory returns what __vm_enough_memory of kernel, in the overcommit mode
// mode, checks a fork of a process with virtual bytes of address space against, on a
// host with the memory m, of which it holds back h. What only the superuser is spared
// is held back here too: a figure on the safe side by 8 MiB.
func enoughMemory(mode int, kernel Kernel, virtual uint64, m memory, h held) (o overcommit) {
	switch {
	case mode == 2:
		allowed := m.commitLimit - min(m.commitLimit, h.admin)
		allowed -= min(allowed, virtual/32, h.user)
		o.commit = opt.Of(allowed - min(allowed, m.committed))
	case mode == 0 && guessesFreeMemory(kernel):
		free := m.reclaimable - min(m.reclaimable, h.total)
		free -= min(free, h.admin)
		o.mapping = opt.Of(free - min(free, uint64(os.Getpagesize()))) // it has to be less than that
	case mode == 0:
		o.mapping = opt.Of(m.total + m.swapTotal)
	}
	return o
}

// reserve returns the reserve of the sysctl vm.name, in bytes; since Linux 3.10, and
// 0 before.
func (fs FS) reserve(name string) uint64 {
	kb, err := readNumber(filepath.Join(fs.proc, "sys", "vm"), name)
	if err != nil || kb == none {
		return 0
	}
	return kb << 10
}

// totalReserve returns what the kernel keeps for itself: of each zone its high
// watermark and the most that it keeps from requests that could be served elsewhere.
func (fs FS) totalReserve() (bytes uint64) {
	lib, err := procfs.NewFS(fs.proc)
	if err != nil {
		return 0
	}
	zones, err := lib.Zoneinfo()
	if err != nil {
		return 0
	}
	for _, z := range zones {
		if z.High == nil || z.Managed == nil {
			continue
		}
		var kept int64
		for _, p := range z.Protection {
			if p != nil {
				kept = max(kept, *p)
			}
		}
		bytes += uint64(max(0, min(kept+*z.High, *z.Managed))) * uint64(os.Getpagesize())
	}
	return bytes
}
