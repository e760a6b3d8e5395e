package rig

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	tab := Table{Title: "What it costs", Notes: []string{"Measured."}, Head: []string{"who", "ms"}}
	tab.Row("nobody", "1")
	tab.Row("somebody", "2")
	var b strings.Builder
	if err := tab.Print(&b); err != nil {
		t.Fatal(err)
	}
	const want = "### What it costs\n\nMeasured.\n\n| who | ms |\n|---|---|\n| nobody | 1 |\n| somebody | 2 |\n\n"
	if b.String() != want {
		t.Errorf("%q", b.String())
	}
}

func TestFigure(t *testing.T) {
	for x, want := range map[float64]string{
		1234.5: "1234", 123.4: "123", 12.34: "12.3", 1.234: "1.23", 0.1234: "0.123", 0: "0.000", -12.34: "-12.3",
		math.Inf(1): "–", math.NaN(): "–",
	} {
		if got := Figure(x); got != want {
			t.Errorf("%v: %q, want %q", x, got, want)
		}
	}
}

func TestRatios(t *testing.T) {
	of := map[int]float64{0: 2, 1: 9, 3: 8, 4: 5}
	to := map[int]float64{0: 1, 2: 7, 3: 2, 4: 0} // nothing can be a multiple of 0
	if got := Ratios(of, to); !slices.Equal(got, []float64{2, 4}) {
		t.Errorf("%v", got)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for want, values := range map[string][]float64{
		"–":                            nil,
		"1.50 (1 round)":               {1.5},
		"2.00 (1.00–30.0, range of 3)": {30, 1, 2},
		"248 (248–248)":                {248, 248, 248, 248, 248, 248},
	} {
		if got := Ratio(values, rng); got != want {
			t.Errorf("%v: %q, want %q", values, got, want)
		}
	}
}
