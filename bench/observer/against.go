package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

// contestant is an exporter that is compared with another.
type contestant struct {
	name string // in tables
	build
}

const thisTree = "this tree"

// comparison is of this tree's exporter with that of an older commit.
type comparison struct {
	commit string // its hash
	// values are what turns brought: by figure, name of the contestant and round.
	values map[string]map[string]map[int]float64
}

// again returns the name of the older commit's exporter where it is compared with
// itself.
func (c *comparison) again() string { return c.commit + ", again" }

// add takes what a turn of name brought in a round, by figure.
func (c *comparison) add(round int, name string, brought map[string]float64) {
	for figure, value := range brought {
		if c.values[figure] == nil {
			c.values[figure] = map[string]map[int]float64{}
		}
		if c.values[figure][name] == nil {
			c.values[figure][name] = map[int]float64{}
		}
		c.values[figure][name][round] = value
	}
}

// against compares this tree's exporter with that of an older commit. Both, and the
// older one again, have their turns on one server.
func against(ctx context.Context, b *bench) ([]*rig.Table, error) {
	file := filepath.Join(b.dir, "redis_fork_exporter.against")
	b.Say("building the exporter of %s", b.against)
	commit, err := rig.BuildCommit(ctx, b.against, file)
	if err != nil {
		return nil, err
	}
	c := &comparison{commit, map[string]map[string]map[int]float64{}}
	err = b.compare(ctx, c, build{"commit " + commit, file})
	if len(c.values) == 0 {
		return nil, err
	}
	return []*rig.Table{c.table(b)}, err
}

// compare fills in c. old is how to start the older commit's exporter.
func (b *bench) compare(ctx context.Context, c *comparison, old build) error {
	// With all that the exporters can read, so that they have the most to do.
	restore, err := b.account(ctx, "1")
	if err != nil {
		b.Say("delay accounting stays as it is: %v", err)
	}
	defer restore()
	// The child sleeps, and lives until it is killed.
	h, err := b.start(ctx, "against", true, "--rdb-key-save-delay", "1000")
	if err != nil {
		return err
	}
	defer b.end(h)
	if _, err := b.fill(ctx, h, b.againstKeys(), b.valueOr(sizeValue)); err != nil {
		return err
	}
	contestants := []contestant{{thisTree, b.ours}, {c.commit, old}, {c.again(), old}}
	parts := []struct {
		name string
		turn func(context.Context, *host, build) (map[string]float64, error)
	}{{"nothing forks", b.idleTurn}, {"a child lives", b.childTurn}, {"scrapes", b.scrapeTurn}}
	turns := b.pairs * len(parts) * len(contestants)
	b.Say("%d turns of %s, each with some %s before it", turns, b.slot, b.quiet+2*firstLife)
	for round := range b.pairs {
		for _, p := range parts {
			b.rng.Shuffle(len(contestants), func(i, j int) { contestants[i], contestants[j] = contestants[j], contestants[i] })
			for _, x := range contestants {
				brought, err := p.turn(ctx, h, x.build)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", p.name, x.name, err)
				}
				c.add(round, x.name, brought)
				b.Say("pair %d of %d: %s: %s", round+1, b.pairs, x.name, inWords(brought))
			}
		}
	}
	return nil
}

// againstKeys returns how many keys fill 1 GB, about: an allocator rounds up.
func (b *bench) againstKeys() int {
	value := b.valueOr(sizeValue)
	return gb / (value + value/16)
}

// inWords returns what a turn brought in one line.
func inWords(brought map[string]float64) string {
	var all []string
	for _, figure := range figures() {
		if value, ok := brought[figure]; ok {
			all = append(all, figure+" "+rig.Figure(value))
		}
	}
	return strings.Join(all, "; ")
}

// table has a row for each figure.
func (c *comparison) table(b *bench) *rig.Table {
	t := &rig.Table{
		Title: "This tree's exporter and that of " + c.commit,
		Notes: []string{
			fmt.Sprintf("Turns of %s each, in an order drawn anew for each round, on a server of 1 GB; each turn starts its exporter, and the %s before it, and its first fork, are not counted. "+
				"CPU is the run time of all the exporter's threads (schedstat), while it is scraped every %s. "+
				"A child lives under %d SETs of %d bytes a second. Scrapes come one after the other, of a server with one fork in its history; their time is the median of a turn.",
				b.slot, b.quiet, scrapeOurs, b.rate, b.valueOr(sizeValue)),
			rig.RatioNote("the turn of " + c.commit),
			fmt.Sprintf("%q is the same program: what lies within its interval is noise.", c.again()),
		},
		Head: []string{"", "pairs", c.commit, thisTree, thisTree + " ÷ " + c.commit, c.again() + " ÷ " + c.commit},
	}
	for _, figure := range figures() {
		of := c.values[figure]
		pairs := rig.Ratios(of[thisTree], of[c.commit])
		t.Row(figure, strconv.Itoa(len(pairs)), rig.Figure(rig.Median(rig.InOrder(of[c.commit]))), rig.Figure(rig.Median(rig.InOrder(of[thisTree]))),
			rig.Ratio(pairs, b.rng), rig.Ratio(rig.Ratios(of[c.again()], of[c.commit]), b.rng))
	}
	return t
}

// medianOf returns the median of times, in ms. times must not be empty.
func medianOf(times []time.Duration) float64 {
	slices.Sort(times)
	return ms(rig.Quantile(times, 0.5))
}
