package rig

import (
	"fmt"
	"os"
)

// WatchIdle begins to watch how idle the machine is. Share returns which part of
// its CPUs' time nothing has run since then.
func WatchIdle() (share func() (float64, error), err error) {
	idle, all, err := processorTicks()
	if err != nil {
		return nil, err
	}
	return func() (float64, error) {
		idleNow, allNow, err := processorTicks()
		return (idleNow - idle) / max(1, allNow-all), err
	}, nil
}

func processorTicks() (idle, all float64, err error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	return parseProcessorTicks(string(b))
}

// parseProcessorTicks reads the first line of text, which is that of /proc/stat.
// Waiting for a disk is idle too.
func parseProcessorTicks(text string) (idle, all float64, err error) {
	var t [8]float64 // user nice system idle iowait irq softirq steal
	if _, err := fmt.Sscanf(text, "cpu %f %f %f %f %f %f %f %f", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]); err != nil {
		return 0, 0, fmt.Errorf("/proc/stat: %w", err)
	}
	for _, n := range t {
		all += n
	}
	return t[3] + t[4], all, nil
}
