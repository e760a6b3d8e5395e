package chart

import (
	"math"
	"testing"
)

func TestAxisTicksAreFewAndRound(t *testing.T) {
	for _, top := range []float64{1e-5, 3e-4, 0.02, 0.31, 1, 7.3, 20.3, 899, 900, 7200, 1e6} {
		for _, n := range []int{4, 8} {
			a := timeAxis(top, n)
			if len(a.ticks) < 2 || len(a.ticks) > 2*n+1 {
				t.Errorf("timeAxis(%v, %d): %d ticks", top, n, len(a.ticks))
			}
			seen := map[string]bool{}
			for _, v := range a.ticks {
				if v < 0 || v > top*(1+1e-9) {
					t.Errorf("timeAxis(%v, %d): tick at %v", top, n, v)
				}
				if l := a.label(v); seen[l] {
					t.Errorf("timeAxis(%v, %d): label %q twice", top, n, l)
				} else {
					seen[l] = true
				}
			}
		}
	}
	for top, unit := range map[float64]string{500: "bytes", 5e5: "kB", 1e6: "MB", 1.6e9: "MB", 1e10: "GB", math.MaxUint64: "TB"} {
		if a := byteAxis(top, 5); a.unit != unit || len(a.ticks) < 3 {
			t.Errorf("byteAxis(%v): %s, %d ticks; want %s", top, a.unit, len(a.ticks), unit)
		}
	}
	if got := byteAxis(1.6e9, 5); got.label(1e9) != "1,000" {
		t.Errorf("label of 1e9 is %q", got.label(1e9))
	}
	if got := timeAxis(0.31, 4); got.label(0.2) != "200" {
		t.Errorf("label of 0.2 s is %q", got.label(0.2))
	}
}

func TestLabelsAreKeptApart(t *testing.T) {
	for _, wants := range [][]float64{{100, 100, 100}, {0, 1, 2}, {299, 300, 300}, {50, 150, 250}, {180, 182, 176}} {
		var ls []label
		for _, w := range wants {
			ls = append(ls, label{want: w})
		}
		spread(ls, 17, 60, 300)
		for i, l := range ls {
			if l.y < 60 || l.y > 300 {
				t.Errorf("%v: label at %v", wants, l.y)
			}
			if i > 0 && l.y-ls[i-1].y < 17 {
				t.Errorf("%v: labels at %v and %v", wants, ls[i-1].y, l.y)
			}
		}
	}
	free := []label{{want: 100}, {want: 200}}
	spread(free, 17, 60, 300)
	if free[0].y != 100 || free[1].y != 200 {
		t.Errorf("labels with room were moved: %v", free)
	}
}
