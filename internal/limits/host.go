package limits

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Host is what decides about forks on this machine and is the same for all servers.
// What could not be read is absent.
type Host struct {
	OvercommitMode opt.Val[int]    // vm.overcommit_memory
	HugePages      opt.Val[string] // always, madvise or never
	Kernel         opt.Val[Kernel]
}

// Host returns the host's settings.
func (fs FS) Host() (h Host) {
	if mode, err := fs.overcommitMode(); err == nil {
		h.OvercommitMode = opt.Of(mode)
	}
	if mode, err := fs.HugePages(); err == nil {
		h.HugePages = opt.Of(mode)
	}
	if kernel, err := runningKernel(); err == nil {
		h.Kernel = opt.Of(kernel)
	}
	return h
}

// overcommitMode returns vm.overcommit_memory: 0, 1 or 2.
func (fs FS) overcommitMode() (int, error) {
	b, err := os.ReadFile(filepath.Join(fs.proc, "sys", "vm", "overcommit_memory"))
	if err != nil {
		return 0, fmt.Errorf("reading the overcommit mode: %w", err)
	}
	mode, err := strconv.Atoi(string(bytes.TrimSpace(b)))
	if err != nil {
		return 0, fmt.Errorf("reading the overcommit mode: %w", err)
	}
	return mode, nil
}

// HugePages returns the mode of transparent huge pages: always, madvise or never.
func (fs FS) HugePages() (string, error) {
	b, err := os.ReadFile(filepath.Join(fs.sys, "kernel", "mm", "transparent_hugepage", "enabled"))
	if err != nil {
		return "", fmt.Errorf("reading the mode of huge pages: %w", err)
	}
	_, after, _ := strings.Cut(string(b), "[")
	mode, _, ok := strings.Cut(after, "]")
	if !ok {
		return "", errors.New("no mode of huge pages is chosen")
	}
	return mode, nil
}

// CPUs returns how many CPUs the machine can have. Unlike runtime.NumCPU it is not
// about those that this program may use.
func (fs FS) CPUs() (int, error) {
	b, err := os.ReadFile(filepath.Join(fs.sys, "devices", "system", "cpu", "possible"))
	if err != nil {
		return 0, fmt.Errorf("counting the CPUs: %w", err)
	}
	last := bytes.TrimSpace(b) // as in 0-3,8-11
	last = last[bytes.LastIndexAny(last, ",-")+1:]
	n, err := strconv.Atoi(string(last))
	if err != nil {
		return 0, fmt.Errorf("counting the CPUs: %w", err)
	}
	return n + 1, nil
}
