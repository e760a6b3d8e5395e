package child

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// recorded is what an exporter read of a real child; see testdata/README.md.
type recorded struct {
	Places int
	Child  float64
	Truth  [][3]float64
}

type recordedRead struct {
	T, Work, Child, Exact float64
	Reads                 [][3]uint64
}

func (r *recordedRead) places() (places []proc.PlaceRead) {
	for _, p := range r.Reads {
		places = append(places, proc.PlaceRead{Place: int(p[0]), Resident: p[1], Private: p[2]})
	}
	return places
}

// around are the fewest and the most private pages by the exact readings around t:
// memory that is freed comes at once.
func (r *recorded) around(t float64) (least, most float64, known bool) {
	for i, b := range r.Truth[1:] {
		if a := r.Truth[i]; a[0] <= t && t <= b[1] {
			if !known {
				least, most, known = a[2], a[2], true
			}
			least, most = min(least, a[2], b[2]), max(most, a[2], b[2])
		}
	}
	return least, most, known
}

// Real children under values of many pages: freed memory becomes private in
// bursts, and is given back by the child later.
func TestSweepFollowsARealChild(t *testing.T) {
	for name, bound := range map[string]struct{ off, wide float64 }{ // largest error, and largest stated, as a share of the peak
		"unlink-64k":    {.07, .45},
		"overwrite-64k": {.08, .55},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Open("testdata/" + name + ".jsonl.gz")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			z, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			lines := json.NewDecoder(z)
			var head recorded
			if err := lines.Decode(&head); err != nil {
				t.Fatal(err)
			}
			var peak, worst, squares, widest float64
			for _, exact := range head.Truth {
				peak = max(peak, exact[2])
			}
			s, points := newSweep(head.Places, proc.PlacesAtOnce, 1, head.Child), 0
			for lines.More() {
				var r recordedRead
				if err := lines.Decode(&r); err != nil {
					t.Fatal(err)
				}
				if r.Reads == nil {
					s.anchor(r.Work, r.Child, r.Exact)
					continue
				}
				s.take(r.Work, r.Child, r.places())
				got, said := s.estimate(r.Work, r.Child)
				least, most, known := head.around(r.T)
				if !known {
					continue
				}
				off := max(least-got, got-most, 0)
				worst, squares, points = max(worst, off/peak), squares+off*off/peak/peak, points+1
				widest = max(widest, said/peak)
				if off > said {
					t.Errorf("after %.2f s: %.0f ± %.0f pages, by smaps %.0f to %.0f", r.T, got, said, least, most)
				}
			}
			t.Logf("%d points, worst %.1f %% of the peak, rms %.1f %%, widest error %.0f %%", points, 100*worst, 100*math.Sqrt(squares/float64(points)), 100*widest)
			if points < 80 || worst > bound.off || widest > bound.wide {
				t.Errorf("%d points, off by up to %.1f %% of the peak, and said to be by up to %.0f %%", points, 100*worst, 100*widest)
			}
		})
	}
}
