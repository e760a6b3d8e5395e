package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// memory tells what a server's child alone holds: the anonymous memory of the
// server's cgroup, or where it has none of the whole machine, without the server's
// own and without what was there before.
type memory struct {
	server *proc.Process
	group  *limits.MemoryCgroup // nil: the machine
	zero   int64
}

func (b *bench) openMemory(h *host) (*memory, error) {
	server, err := b.fs.Open(h.PID())
	if err != nil {
		return nil, err
	}
	m := &memory{server: server}
	if h.Group == nil {
		return m, nil
	}
	if m.group, err = limits.NewFS("/proc", "/sys").MemoryCgroup(h.PID()); err != nil {
		server.Close()
		return nil, err
	}
	return m, nil
}

func (m *memory) setZero() (err error) {
	m.zero, err = m.others()
	return err
}

// held is what has come since setZero.
func (m *memory) held() (uint64, error) {
	now, err := m.others()
	return uint64(max(0, now-m.zero)), err
}

func (m *memory) others() (int64, error) {
	status, err := m.server.Status()
	if err != nil {
		return 0, err
	}
	own, ok := status.RSSAnon.Get()
	if !ok {
		return 0, errors.New("this kernel does not tell a process's anonymous memory")
	}
	var all uint64
	if m.group != nil {
		all, err = m.group.Anonymous()
	} else {
		all, err = anonPages()
	}
	return int64(all) - int64(own), err
}

func (m *memory) close() {
	m.server.Close()
	if m.group != nil {
		m.group.Close()
	}
}

// anonPages is the machine's anonymous memory.
func anonPages() (uint64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	return meminfo(string(text), "AnonPages")
}

// meminfo finds a line "KEY: N kB", in bytes.
func meminfo(text, key string) (uint64, error) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == key+":" && f[2] == "kB" {
			n, err := strconv.ParseUint(f[1], 10, 54)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("meminfo has no %s", key)
}
