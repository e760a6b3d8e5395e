package main

import (
	"context"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

// A program that has used so much CPU time in so short a time is reading much.
const (
	burst       = 3 * time.Millisecond
	burstWithin = 10 * time.Millisecond
	burstWait   = 20 * time.Second
)

// awaitBurst returns true when process pid is in the middle of a long read, which
// its CPU time tells, and false if it has not read for long.
func awaitBurst(ctx context.Context, pid int) bool {
	type point struct {
		at  time.Time
		ran time.Duration
	}
	var recent []point
	for start := time.Now(); time.Since(start) < burstWait && ctx.Err() == nil; nap(time.Millisecond) {
		ran, err := rig.CPUTime(pid)
		if err != nil {
			return false
		}
		now := time.Now()
		recent = append(recent, point{now, ran})
		for now.Sub(recent[0].at) > burstWithin {
			recent = recent[1:]
		}
		if ran-recent[0].ran >= burst {
			return true
		}
	}
	return false
}
