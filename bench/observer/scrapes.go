package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

// scrapes scrape an exporter regularly.
type scrapes struct {
	running sync.WaitGroup
	end     context.CancelFunc
	failed  error // the last one that failed; to be read when they have ended
}

// startScrapes scrapes p at once and then every so often until stop; 0 is never, and nil.
func startScrapes(ctx context.Context, p *rig.Program, every time.Duration) *scrapes {
	if every == 0 {
		return nil
	}
	s := &scrapes{}
	ctx, s.end = context.WithCancel(ctx)
	s.running.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			if _, err := p.Get(ctx, "/metrics"); err != nil && ctx.Err() == nil {
				s.failed = err
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return s
}

// stop ends the scrapes, and returns an error if one of them had failed.
func (s *scrapes) stop() error {
	if s == nil {
		return nil
	}
	s.end()
	s.running.Wait()
	if s.failed != nil {
		return fmt.Errorf("a scrape failed: %w", s.failed)
	}
	return nil
}
