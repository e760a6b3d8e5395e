package proc

import (
	"os"
	"path/filepath"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Overcommit is by what the kernel refuses a fork for the size of its memory, in
// bytes. A fork is checked mapping by mapping, of those that are accounted.
type Overcommit struct {
	Mode int
	// Commit is what all of them together may still have in mode 2, less than which
	// they have to be; absent in other modes.
	Commit opt.Val[uint64]
	// Mapping is the largest single one that passes in mode 0; absent in other modes.
	Mapping opt.Val[uint64]
}

// Overcommit reads what the running kernel would check of a fork of a process
// with so many bytes of address space, on a host with this memory.
func (fs FS) Overcommit(memory Memory, virtual uint64) (Overcommit, error) {
	mode, err := fs.OvercommitMode()
	if err != nil || mode == 1 {
		return Overcommit{Mode: mode}, err
	}
	major, minor, err := KernelVersion()
	if err != nil {
		return Overcommit{}, err
	}
	h := held{admin: fs.reserve("admin_reserve_kbytes"), user: fs.reserve("user_reserve_kbytes")}
	if mode == 0 && beforeGuessChanged(major, minor) {
		h.total = fs.totalReserve()
	}
	return overcommit(mode, major, minor, virtual, memory, h), nil
}

// held is what the kernel holds back, in bytes: for the administrator, for the user
// to mend things, and for itself.
type held struct{ admin, user, total uint64 }

// beforeGuessChanged tells whether a kernel still guesses in mode 0 how much memory
// could be had. From Linux 5.2 it refuses only what could never fit (8c7829b04c52).
func beforeGuessChanged(major, minor int) bool { return major < 5 || major == 5 && minor < 2 }

// overcommit is __vm_enough_memory of the kernels that there are. What only the
// superuser is spared is held back here too: a figure on the safe side by 8 MiB.
func overcommit(mode, major, minor int, virtual uint64, m Memory, h held) Overcommit {
	o := Overcommit{Mode: mode}
	switch {
	case mode == 2:
		allowed := m.CommitLimit - min(m.CommitLimit, h.admin)
		allowed -= min(allowed, virtual/32, h.user)
		o.Commit = opt.Of(allowed - min(allowed, m.Committed))
	case mode == 0 && beforeGuessChanged(major, minor):
		free := m.reclaimable - min(m.reclaimable, h.total)
		free -= min(free, h.admin)
		o.Mapping = opt.Of(free - min(free, uint64(os.Getpagesize()))) // it has to be less than that
	case mode == 0:
		o.Mapping = opt.Of(m.Total + m.SwapTotal)
	}
	return o
}

// reserve reads a reserve in kB; since Linux 3.10, and 0 before.
func (fs FS) reserve(name string) uint64 {
	kb, err := cgroupNumber(filepath.Join(fs.proc, "sys", "vm"), name)
	if err != nil || kb == none {
		return 0
	}
	return kb << 10
}

// totalReserve is what the kernel keeps for itself: of each zone its high
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

// KernelVersion is the running kernel's.
func KernelVersion() (major, minor int, err error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return 0, 0, err
	}
	return parseKernelVersion(unix.ByteSliceToString(name.Release[:]))
}

// parseKernelVersion reads a release such as "5.15.0-91-generic" or "6.18-rc3".
func parseKernelVersion(release string) (major, minor int, err error) {
	a, rest, ok1 := number([]byte(release))
	if !ok1 || len(rest) < 2 || rest[0] != '.' || a > 1<<16 {
		return 0, 0, errNoNumber
	}
	b, _, ok2 := number(rest[1:])
	if !ok2 || b > 1<<16 {
		return 0, 0, errNoNumber
	}
	return int(a), int(b), nil
}
