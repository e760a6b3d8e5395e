package main

import (
	"fmt"
	"os"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

// counters are what the kernel counts of a server, at one moment.
type counters struct {
	at       time.Time
	faults   uint64          // minor ones, of all threads
	resident uint64          // bytes
	system   time.Duration   // of its main thread, in ticks
	copies   taskstats.Stats // of all threads
}

const tick = time.Second / proc.TicksPerSecond

func readCounters(pid int, stats *taskstats.Client) (c counters, err error) {
	process, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return c, err
	}
	thread, err := readStat(fmt.Sprintf("/proc/%d/task/%[1]d/stat", pid))
	if err != nil {
		return c, err
	}
	c = counters{
		at:       time.Now(),
		faults:   process.MinorFaults,
		resident: process.ResidentPages * uint64(os.Getpagesize()),
		system:   time.Duration(thread.SystemTicks) * tick,
	}
	c.copies, err = stats.Process(pid)
	return c, err
}

func readStat(path string) (s proc.Stat, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	err = proc.ParseStat(b, &s)
	return s, err
}
