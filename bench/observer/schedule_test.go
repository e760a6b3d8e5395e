package main

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSchedule(t *testing.T) {
	observers := []observer{{name: "a"}, {name: "b", every: 1}, {name: "c"}, {name: "rare", every: 3}}
	plan := schedule(observers, 20, rand.New(rand.NewPCG(1, 2)))
	if len(plan) != 20 {
		t.Fatalf("%d rounds", len(plan))
	}
	orders := map[string]bool{}
	for round, turns := range plan {
		var names []string
		for _, o := range turns {
			names = append(names, o.name)
		}
		order := ""
		for _, n := range names {
			if n != "rare" {
				order += n
			}
		}
		orders[order] = true
		want := []string{"a", "b", "c"}
		if round%3 == 0 {
			want = append(want, "rare")
		}
		slices.Sort(names)
		if !slices.Equal(names, want) {
			t.Errorf("round %d: %q, want %q in any order", round, names, want)
		}
	}
	if len(orders) < 4 { // of 6
		t.Errorf("only the orders %v in 20 rounds", orders)
	}
}
