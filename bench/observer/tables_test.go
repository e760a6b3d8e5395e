package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
)

// rowOf is the row that begins with these cells.
func rowOf(t *testing.T, tab *rig.Table, begin ...string) []string {
	t.Helper()
	for _, r := range tab.Rows {
		if len(r) != len(tab.Head) {
			t.Errorf("%q: %d cells under %d heads", r, len(r), len(tab.Head))
		}
		if slices.Equal(r[:len(begin)], begin) {
			return r
		}
	}
	t.Fatalf("no row %q in %q", begin, tab.Rows)
	return nil
}

func TestLatencyTables(t *testing.T) {
	at := time.Now()
	turnOf := func(round int, observer string, latency time.Duration) turn {
		return turn{
			save:     save{sent: at, answered: at.Add(time.Second), died: at.Add(11 * time.Second), serverWaited: latency, childEstimate: round == 1},
			behind:   round == 2,
			round:    round,
			observer: observer,
			serving:  []time.Duration{latency, latency, latency},
			stalled:  []time.Duration{latency, latency, 10 * latency},
		}
	}
	run := latencyRun{missing: []string{"somebody (nowhere)"}}
	for round := range 3 {
		run.turns = append(run.turns,
			turnOf(round, unobserved, time.Millisecond), turnOf(round, oursAlone, time.Duration(round+1)*time.Millisecond))
	}
	run.turns = append(run.turns, turnOf(0, plainLoop, 8*time.Millisecond))
	b := &bench{settings: settings{rate: 4000}, rng: rand.New(rand.NewPCG(1, 2))}
	tables := run.tables(b)
	if len(tables) != 4 {
		t.Fatalf("%d tables", len(tables))
	}
	want := []string{oursAlone, "3", "2.00", "2.00", "2.00", "2.00", "10.0", "2.00", "0.000", "0.000"}
	if got := rowOf(t, tables[0], oursAlone); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := rowOf(t, tables[1], oursAlone); got[2] != "2.00 (1.00–3.00, range of 3)" || got[6] != "1.00 (1.00–1.00, range of 3)" || got[8] != "–" {
		t.Errorf("%q", got)
	}
	if got := rowOf(t, tables[1], plainLoop); got[1] != "1" || got[2] != "8.00 (1 round)" {
		t.Errorf("%q", got)
	}
	if got := rowOf(t, tables[2], plainLoop); !slices.Equal(got[2:], []string{"8.00", "80.0", "80.0", "80.0"}) {
		t.Errorf("%q", got)
	}
	if len(tables[1].Rows) != 2 {
		t.Errorf("ratios to itself, or of who had no turn: %q", tables[1].Rows)
	}
	notes := strings.Join(tables[0].Notes, "\n")
	for _, say := range []string{"somebody (nowhere)", "in 2 of 7 saves", "In 2 of 7 saves the server did not keep up", "competes"} {
		if !strings.Contains(notes, say) {
			t.Errorf("no %q in %q", say, notes)
		}
	}
}

func TestReleaseTable(t *testing.T) {
	var kills []kill
	for round := range 2 {
		kills = append(kills,
			kill{round: round, observer: unobserved, held: 3e8, dead: 50e6, back: 40e6},
			kill{round: round, observer: inSmaps, held: 3e8, dead: 1e6, back: time.Duration(60+20*round) * 1e6, reading: round == 0})
	}
	kills = append(kills, kill{round: 0, observer: unobserved, busy: true, held: 3e8, dead: 90e6, back: 80e6})
	tab := releaseTable(kills, rand.New(rand.NewPCG(1, 2)))
	for _, want := range [][]string{
		{"idle", unobserved, "2", "50.0", "40.0", "40.0", "-10.0", "-10.0", "1"},
		{"idle", inSmaps + " (in 1 of 2 kills)", "2", "1.00", "70.0", "80.0", "69.0", "79.0", "1.75 (1.50–2.00, range of 2)"},
		{"all CPUs busy", unobserved, "1", "90.0", "80.0", "80.0", "-10.0", "-10.0", "1"},
	} {
		if got := rowOf(t, tab, want[:2]...); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSizeTable(t *testing.T) {
	at := time.Now()
	one := func(observer string, resident uint64, sampling time.Duration) sampled {
		return sampled{
			observer: observer, resident: resident, readings: readings{cpu: sampling.Seconds(), smaps: 3, pages: 70},
			save: save{answered: at, died: at.Add(10 * time.Second), observerRan: 2 * sampling},
		}
	}
	tab := sizeTable([]sampled{
		one(oursAlone, 8e9, 150e6),
		one(oursAlone, 1e9, 90e6), one(oursAlone, 1e9, 900e6), one(oursAlone, 1e9, 100e6),
		one(oursShared, 1e9, 50e6),
	}, 4000, 2000)
	if got := rowOf(t, tab, "1.00", oursAlone); !slices.Equal(got[2:], []string{"3", "10.0", "1.00", "2.00", "3.00", "70.0"}) {
		t.Errorf("%q", got)
	}
	if got := rowOf(t, tab, "× 8.00", oursAlone); got[4] != "× 1.50" || got[5] != "× 1.50" {
		t.Errorf("%q", got)
	}
	if len(tab.Rows) != 4 {
		t.Errorf("a comparison with a size that is missing: %q", tab.Rows)
	}
}

func TestAccountingTable(t *testing.T) {
	w := func(perSecond float64) work { return work{commands: 2 * perSecond, seconds: 2, cpu: time.Second} }
	tab := accountingTable([]accounted{
		{round: 0, on: true, quiet: w(90_000), child: w(9000)},
		{round: 0, quiet: w(100_000), child: w(10_000)},
		{round: 1, on: true, quiet: w(110_000), child: w(5000)}, // its turn without never came
	}, rand.New(rand.NewPCG(1, 2)))
	if got := rowOf(t, tab, "commands a second, nothing forks"); !slices.Equal(got[1:], []string{"1", "100000", "100000", "0.90 (1 round)"}) {
		t.Errorf("%q", got)
	}
	if got := rowOf(t, tab, "CPU seconds per million commands, a child lives"); got[2] != "50.0" || got[4] != "1.11 (1 round)" {
		t.Errorf("%q", got)
	}
}
