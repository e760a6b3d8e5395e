package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// batch is so many forks of one server, one after the other.
type batch struct {
	name  string
	forks int
	hz    int // how often the server reaps
	// short children live for less time than passes between two of the exporter's
	// looks: some are seen, some are not, and all are in its accounts.
	short bool
	flags []string // of the exporter
	// pause is the most that passes between two forks, at random; 0: they come as
	// fast as the server takes them.
	pause time.Duration
}

func batches() []batch {
	const pause = 200 * time.Millisecond
	return []batch{
		{name: "back to back", forks: 250, hz: 10},
		{name: "at random distances", forks: 250, hz: 10, pause: pause},
		{name: "back to back", forks: 250, hz: 100},
		{name: "at random distances", forks: 250, hz: 100, pause: pause},
		{name: "shorter than the poll", forks: 200, hz: 500, short: true, flags: []string{"--poll.interval=100ms"}},
	}
}

// A child sleeps so long at its one key, and lives some milliseconds longer: less than
// the 20 ms after which it must be seen. A short one does not sleep.
const childSleeps = 13 * time.Millisecond

// accounts are what an exporter says of the forks of one server, in all.
type accounts struct {
	children, unseen int // children_total, unobserved_children_total
	durations, lost  int // stall_seconds_count, unobserved_stalls_total
}

// counted is the result of a batch.
type counted struct {
	batch
	server   int // forks, as the server counts them
	accounts accounts
	records  map[string]fork.Record
	shortest time.Duration // life
}

// faults says what is wrong with the accounts, "" for nothing.
func (c *counted) faults() string {
	var wrong []string
	if c.server != c.forks {
		wrong = append(wrong, fmt.Sprintf("the server has forked %d times", c.server))
	}
	if sum := c.accounts.children + c.accounts.unseen; sum != c.forks {
		wrong = append(wrong, fmt.Sprintf("children and unobserved children are %d", sum))
	}
	if sum := c.accounts.durations + c.accounts.lost; sum != c.forks {
		wrong = append(wrong, fmt.Sprintf("durations and unobserved durations are %d", sum))
	}
	if len(c.records) != c.accounts.children {
		wrong = append(wrong, fmt.Sprintf("%d records of %d children", len(c.records), c.accounts.children))
	}
	if n := c.twice(); n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d children have two records", n))
	}
	if !c.short && c.accounts.unseen > 0 {
		wrong = append(wrong, fmt.Sprintf("%d were missed", c.accounts.unseen))
	}
	return strings.Join(wrong, ", ")
}

// twice is how many records are of a child that has another: pids are not used
// again so soon.
func (c *counted) twice() int {
	pids := map[int]int{}
	for _, f := range c.records {
		pids[f.ChildPID]++
	}
	return len(c.records) - len(pids)
}

func (b *bench) forks(ctx context.Context) (err error) {
	var all []counted
	defer func() { err = errors.Join(err, printForks(b.out, all)) }()
	var wrong []error
	for _, x := range batches() {
		c, err := b.countForks(ctx, x)
		if err != nil {
			return err
		}
		all = append(all, c)
		b.Say("%d forks %s, hz %d: %d records, %+v", x.forks, x.name, x.hz, len(c.records), c.accounts)
		if faults := c.faults(); faults != "" {
			wrong = append(wrong, fmt.Errorf("forks %s, hz %d: %s", x.name, x.hz, faults))
		}
	}
	return errors.Join(wrong...)
}

func (b *bench) countForks(ctx context.Context, x batch) (c counted, err error) {
	delay := int(childSleeps.Microseconds())
	if x.short {
		delay = 0
	}
	s, err := redisrun.Start(ctx, redisrun.Options{Unix: true, Args: []string{
		"--hz", strconv.Itoa(x.hz), "--dynamic-hz", "no", "--rdb-key-save-delay", strconv.Itoa(delay),
	}})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := redisrun.Fill(ctx, s.Client(), 1, 10); err != nil {
		return c, err
	}
	e, err := b.startExporter(ctx, s.Addr(), nil, x.flags...)
	if err != nil {
		return c, err
	}
	defer e.Stop()

	c = counted{batch: x, records: map[string]fork.Record{}}
	forking, stop := context.WithCancel(ctx)
	defer stop()
	forked := make(chan error, 1)
	go func() { forked <- forkRepeatedly(forking, s, x) }()
	// More come than are kept: they are collected as they come.
	for done := false; !done; {
		select {
		case err := <-forked:
			if err != nil {
				return c, err
			}
			done = true
		case <-time.After(500 * time.Millisecond):
		}
		if err := c.collect(ctx, e); err != nil {
			return c, err
		}
	}
	return c, c.settle(ctx, s, e)
}

// forkRepeatedly makes a batch's forks.
func forkRepeatedly(ctx context.Context, s *redisrun.Server, x batch) error {
	for range x.forks {
		if x.pause > 0 {
			if err := rig.Sleep(ctx, rand.N(x.pause)); err != nil {
				return err
			}
		}
		for {
			err := s.Client().BgSave(ctx).Err()
			if err == nil {
				break
			}
			if !strings.Contains(err.Error(), "already in progress") {
				return err
			}
			if err := rig.Sleep(ctx, time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

// collect takes the closed records.
func (c *counted) collect(ctx context.Context, e *exporter) error {
	forks, err := e.Forks(ctx)
	if err != nil {
		return err
	}
	for _, f := range forks {
		if !f.Running() {
			c.records[f.ID] = f
		}
	}
	return nil
}

// settle waits until the exporter has accounted for every fork, for a while.
func (c *counted) settle(ctx context.Context, s *redisrun.Server, e *exporter) error {
	deadline := time.Now().Add(patience)
	for {
		info, err := s.Client().InfoMap(ctx, "stats").Result()
		if err != nil {
			return err
		}
		if c.server, err = strconv.Atoi(info["Stats"]["total_forks"]); err != nil {
			return err
		}
		if c.accounts, err = e.accounts(ctx); err != nil {
			return err
		}
		if err := c.collect(ctx, e); err != nil {
			return err
		}
		if c.faults() == "" || time.Now().After(deadline) {
			break
		}
		if err := rig.Sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	var lives []float64
	for _, f := range c.records {
		lives = append(lives, f.LifetimeSeconds.Or(0))
	}
	if len(lives) > 0 {
		c.shortest = time.Duration(slices.Min(lives) * float64(time.Second))
	}
	return nil
}

// accounts reads them from the metrics.
func (e *exporter) accounts(ctx context.Context) (a accounts, err error) {
	m, err := e.Metrics(ctx)
	if err != nil {
		return a, err
	}
	for metric, n := range map[string]*int{
		"redis_fork_children_total": &a.children, "redis_fork_unobserved_children_total": &a.unseen,
		"redis_fork_stall_seconds_count": &a.durations, "redis_fork_unobserved_stalls_total": &a.lost,
	} {
		sum, err := m.Sum(metric)
		if err != nil {
			return a, err
		}
		*n = int(sum)
	}
	return a, nil
}
