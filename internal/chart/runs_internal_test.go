package chart

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// at makes points at these seconds.
func at(ts ...float64) []point {
	var ps []point
	for i, t := range ts {
		ps = append(ps, point{t: t, b: uint64(i+1) * 1000})
	}
	return ps
}

// every makes n seconds, step apart.
func every(from, step float64, n int) []float64 {
	var ts []float64
	for i := range n {
		ts = append(ts, from+float64(i)*step)
	}
	return ts
}

func TestRunsAreCutAtGapsOnly(t *testing.T) {
	for name, c := range map[string]struct {
		ts   []float64
		want []int // lengths of the runs
	}{
		"none":                            {nil, nil},
		"one":                             {[]float64{3}, []int{1}},
		"steady":                          {every(0, 0.1, 50), []int{50}},
		"a second is no gap":              {append(every(0, 0.1, 10), every(1.9, 0.1, 10)...), []int{20}},
		"more is":                         {append(every(0, 0.1, 10), every(2, 0.1, 10)...), []int{10, 10}},
		"two gaps":                        {append(every(0, 0.1, 5), append(every(3, 0.1, 5), every(9, 0.1, 5)...)...), []int{5, 5, 5}},
		"rare on purpose":                 {every(0, 5, 20), []int{20}},
		"rarer after half a minute":       {append(every(0, 0.1, 300), every(30.9, 1.05, 60)...), []int{360}},
		"gap among rare ones":             {append(every(0, 1.05, 20), every(40, 1.05, 20)...), []int{20, 20}},
		"gap at the end":                  {append(every(0, 0.1, 9), 4), []int{9, 1}},
		"gap at the beginning":            {append([]float64{0}, every(4, 0.1, 9)...), []int{1, 9}},
		"two, nothing to compare with":    {[]float64{0, 2}, []int{1, 1}},
		"two, near":                       {[]float64{0, 0.9}, []int{2}},
		"the same moment again and again": {[]float64{1, 1, 1, 1}, []int{4}},
	} {
		var got []int
		for _, r := range runs(at(c.ts...)) {
			got = append(got, len(r))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: runs of %v, want %v", name, got, c.want)
		}
	}
}

func TestThinRunsKeepsEveryRun(t *testing.T) {
	rs := runs(at(append(every(0, 0.01, 500), append([]float64{20}, every(40, 0.01, 100)...)...)...))
	got := thinRuns(rs, 60)
	if len(got) != 3 || len(got[1]) != 1 {
		t.Fatalf("%d runs", len(got))
	}
	total := 0
	for i, r := range got {
		total += len(r)
		if r[0] != rs[i][0] || r[len(r)-1] != rs[i][len(rs[i])-1] {
			t.Errorf("run %d lost an end", i)
		}
	}
	if total > 70 {
		t.Errorf("%d points of 60", total)
	}
}

func TestPathsStopAtGaps(t *testing.T) {
	rs := [][]point{at(0, 1), {{t: 5, b: 7}}, at(8, 9)}
	x := func(t float64) float64 { return t }
	y := func(b uint64) float64 { return float64(b) }
	if got, want := linePath(rs, x, y), "M0 1000L1 2000M5 7L5 7M8 1000L9 2000"; got != want {
		t.Errorf("line %s, want %s", got, want)
	}
	if got, want := gapPath(rs, x, y), "M1 2000L5 7M5 7L8 1000"; got != want {
		t.Errorf("gaps %s, want %s", got, want)
	}
	if got := areaPath(rs, x, y, 0); strings.Count(got, "Z") != 3 || !strings.HasPrefix(got, "M0 0L0 1000L1 2000L1 0Z") {
		t.Errorf("area %s", got)
	}
}

func TestErrorBandReachesAsFarAsTheErrors(t *testing.T) {
	rs := [][]point{{{t: 0, b: 10}, {t: 1, b: 10, err: 30}, {t: 2, b: 10, err: math.MaxUint64}}}
	y := func(b uint64) float64 { return -float64(min(b, 99)) }
	got := errorPath(rs, func(t float64) float64 { return t }, y)
	if want := "M0 -10L1 -40L2 -99L2 0L1 0L0 -10Z"; got != want {
		t.Errorf("band %s, want %s", got, want)
	}
}
