package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestAgainstTable(t *testing.T) {
	c := &comparison{"8a0ec06", map[string]map[string]map[int]float64{}}
	for round := range 7 {
		c.add(round, "8a0ec06", map[string]float64{idleCPU: 2, scrapeTime: float64(round + 1)})
		c.add(round, thisTree, map[string]float64{idleCPU: 3, scrapeTime: 2 * float64(round+1)})
		if round < 5 { // then it ended
			c.add(round, "8a0ec06, again", map[string]float64{idleCPU: float64(round + 1)})
		}
	}
	b := &bench{settings: settings{slot: time.Minute, rate: 4000}, rng: rand.New(rand.NewPCG(1, 2))}
	tab := c.table(b)
	if want := []string{"", "pairs", "8a0ec06", "this tree", "this tree ÷ 8a0ec06", "8a0ec06, again ÷ 8a0ec06"}; !slices.Equal(tab.Head, want) {
		t.Errorf("head %q, want %q", tab.Head, want)
	}
	for figure, want := range map[string][]string{
		idleCPU:    {"7", "2.00", "3.00", "1.50 (1.50–1.50)", "1.50 (0.50–2.50, range of 5)"},
		scrapeTime: {"7", "4.00", "8.00", "2.00 (2.00–2.00)", "–"},
		childCPU:   {"0", "–", "–", "–", "–"},
	} {
		if got := rowOf(t, tab, figure); !slices.Equal(got[1:], want) {
			t.Errorf("%s: %q, want %q", figure, got[1:], want)
		}
	}
	if len(tab.Rows) != len(figures()) {
		t.Errorf("%d rows of %d figures", len(tab.Rows), len(figures()))
	}
}

func TestInWords(t *testing.T) {
	got := inWords(map[string]float64{scrapeCPU: 2.5, scrapeTime: 3})
	if want := "a scrape: time, ms 3.00; a scrape: CPU, ms 2.50"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestBriefSave(t *testing.T) {
	b := testBench(t)
	h := testHost(t, b) // whose saves take half a second and more
	const life = 100 * time.Millisecond
	start := time.Now()
	if err := briefSave(t.Context(), h.Server, life); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < life {
		t.Errorf("it took %s", took)
	}
	if err := briefSave(t.Context(), h.Server, 20*time.Second); err == nil {
		t.Error("no error for a save that ended before it should be killed")
	}
}
