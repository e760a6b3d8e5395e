package main

import (
	"testing"
	"time"
)

func TestChoose(t *testing.T) {
	all, err := choose("")
	if err != nil || len(all) != len(workloads()) {
		t.Errorf("no names choose %d loads, %v", len(all), err)
	}
	two, err := choose("mix; overwrite, varying size")
	if err != nil || len(two) != 2 || two[0].name != "mix" || two[1].least == 0 {
		t.Errorf("%v, %v", two, err)
	}
	if _, err := choose("mixed"); err == nil {
		t.Error("a load that is none is no error")
	}
}

func TestSaveDelay(t *testing.T) {
	const nap = 100 * time.Microsecond
	for _, c := range []struct {
		keys, want int
	}{
		{1_000, 7_900},     // 8 ms a key, of which the sleep takes a nap more than it is told
		{1_000_000, -12},   // 8 µs a key: every twelfth naps
		{10_000_000, -125}, // 0.8 µs a key
		{80_000, -1},       // a nap a key
	} {
		if got := saveDelay(8*time.Second, c.keys, nap); got != c.want {
			t.Errorf("%d keys: %d, want %d", c.keys, got, c.want)
		}
	}
}
