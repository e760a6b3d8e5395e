package forecast

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast/recorded"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// What the forecast claims of the recorded series: it is at least as much as the
// fork then needed in most cases, and not far off on average.
const (
	enoughInMost    = 0.90
	offOnAverage    = 0.25
	recordedAtLeast = 40 // forks
)

// predictor forecasts a fork's need of memory from the state before it; false where
// it has no basis.
type predictor struct {
	name    string
	predict func(st *track.State, kind fork.Kind) (float64, bool)
}

// candidates are what the forecast was chosen from. Each but the last takes the
// last fork of the kind, or of the last ten the most.
func candidates() []predictor {
	last := func(of func(st *track.State, f *fork.Record, writes float64) (float64, bool)) func(*track.State, fork.Kind) (float64, bool) {
		return most(1, of)
	}
	return []predictor{
		{"the last peak", last(func(_ *track.State, f *fork.Record, _ float64) (float64, bool) { return peak(f), true })},
		{"the last peak, scaled with the server's size", last(scaledPeak)},
		{"the highest of the last ten peaks, scaled", most(track.RecentForks, scaledPeak)},
		{"the last peak, in proportion to writes", last(func(_ *track.State, f *fork.Record, writes float64) (float64, bool) {
			return peak(f) * writes / max(1, endOf(f).Changes), endOf(f).Changes > 0
		})},
		{"the last peak, saturating with writes", last(func(st *track.State, f *fork.Record, writes float64) (float64, bool) {
			c := curve{resident: float64(f.ResidentBytes.Or(0)), points: []fork.ExtraPoint{endOf(f)}}
			scale := float64(st.ResidentBytes.Or(0)) / c.resident
			return scale * c.beyond(writes/scale), endOf(f).Changes > 0
		})},
		{"the last curve over writes", last(offCurve)},
		{"the highest of the last three curves", most(3, offCurve)},
		{"the highest of the last ten curves", most(track.RecentForks, offCurve)},
		{"the two curves nearest in writes, and 13 %", twoNearest},
		{"the curve nearest in writes, and 13 % (used)", func(st *track.State, kind fork.Kind) (float64, bool) {
			m, ok := OfKind(st, kind).Memory.Get()
			return float64(m.Extra), ok
		}},
	}
}

func peak(f *fork.Record) float64 { return float64(f.ExtraPeakBytes.Or(0)) }

// endOf is the last point of a fork's curve.
func endOf(f *fork.Record) fork.ExtraPoint {
	if len(f.ExtraCurve) == 0 {
		return fork.ExtraPoint{}
	}
	p := f.ExtraCurve[len(f.ExtraCurve)-1]
	p.Bytes = f.ExtraPeakBytes.Or(p.Bytes)
	return p
}

func scaledPeak(st *track.State, f *fork.Record, _ float64) (float64, bool) {
	return peak(f) * float64(st.ResidentBytes.Or(0)) / float64(f.ResidentBytes.Or(1)), true
}

func offCurve(st *track.State, f *fork.Record, writes float64) (float64, bool) {
	c, ok := curveOf(f)
	if !ok {
		return 0, false
	}
	return c.at(writes, float64(st.ResidentBytes.Or(0)))
}

// most takes the most of what the last n forks of the kind say, at the writes that
// OfKind expects.
func most(n int, of func(*track.State, *fork.Record, float64) (float64, bool)) func(*track.State, fork.Kind) (float64, bool) {
	return func(st *track.State, kind fork.Kind) (float64, bool) {
		writes, ok := OfKind(st, kind).Writes.Get()
		if !ok {
			return 0, false
		}
		bytes, asked := 0., 0
		for _, f := range forksOf(st, kind) {
			if b, ok := of(st, f, writes); ok && asked < n {
				bytes = max(bytes, b)
				asked++
			}
		}
		return bytes, asked > 0
	}
}

// twoNearest is the mean of the two curves nearest in writes, and the margin.
func twoNearest(st *track.State, kind fork.Kind) (float64, bool) {
	writes, ok := OfKind(st, kind).Writes.Get()
	size := float64(st.ResidentBytes.Or(0))
	if !ok {
		return 0, false
	}
	type reading struct{ bytes, distance float64 }
	var readings []reading
	for _, f := range forksOf(st, kind) {
		if bytes, ok := offCurve(st, f, writes); ok {
			c, _ := curveOf(f)
			readings = append(readings, reading{bytes, c.distance(writes, size)})
		}
	}
	slices.SortStableFunc(readings, func(a, b reading) int { return cmp.Compare(a.distance, b.distance) })
	var sum float64
	readings = readings[:min(2, len(readings))]
	for _, r := range readings {
		sum += r.bytes
	}
	return Margin * sum / float64(len(readings)), len(readings) > 0
}

// score is how good a predictor was: its errors as shares of what was needed.
type score struct{ errors []float64 }

func (s score) enough() float64 {
	n := 0
	for _, e := range s.errors {
		if e >= 0 {
			n++
		}
	}
	return float64(n) / float64(len(s.errors))
}

func (s score) mean() (mean, off float64) {
	for _, e := range s.errors {
		mean += e / float64(len(s.errors))
		off += math.Abs(e) / float64(len(s.errors))
	}
	return mean, off
}

func (s score) String() string {
	mean, off := s.mean()
	return fmt.Sprintf("| %.0f %% | %+.0f %% | %.0f %% | %+.0f … %+.0f %% |", 100*s.enough(), 100*mean, 100*off, 100*slices.Min(s.errors), 100*slices.Max(s.errors))
}

func recordedForks(t *testing.T, file string) []recorded.Case {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cases, err := recorded.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// replay forecasts every recorded fork from those before it in its series, and
// compares with what it then needed, page tables included.
func replay(cases []recorded.Case, p predictor) map[string]score {
	out := map[string]score{}
	past := map[string][]fork.Record{}
	for i := range cases {
		c := &cases[i]
		st := c.State(past[c.Series])
		tables := float64(c.PageTables.Or(0))
		needed, measured := c.Fork.ExtraPeakBytes.Get()
		if bytes, ok := p.predict(&st, c.Fork.Kind); ok && measured {
			e := (bytes+tables)/(float64(needed)+tables) - 1
			for _, series := range []string{"all", c.Series} {
				out[series] = score{append(out[series].errors, e)}
			}
		}
		past[c.Series] = append([]fork.Record{c.Fork}, past[c.Series]...)
	}
	return out
}

// TestForecastOfRecordedForks holds the forecast to what it claims, over series of
// real forks whose data grew under a load that changed by ×1/6 to ×6 from one to
// the next. Run with -v it prints the table of docs/forecast.md.
func TestForecastOfRecordedForks(t *testing.T) {
	cases := recordedForks(t, "forks.jsonl")
	var table strings.Builder
	for _, p := range candidates() {
		scores := replay(cases, p)
		fmt.Fprintf(&table, "| %s %s\n", p.name, scores["all"])
		for _, series := range []string{"growing", "skewed", "big"} {
			fmt.Fprintf(&table, "| … %s, %d forks %s\n", series, len(scores[series].errors), scores[series])
		}
		if !strings.HasSuffix(p.name, "(used)") {
			continue
		}
		claim(t, scores["all"], recordedAtLeast, offOnAverage)
	}
	t.Logf("%d recorded forks: enough, mean error, mean distance, range\n%s", len(cases), table.String())
}

// TestForecastOfLaterForks holds it to forks that nothing was fitted to: of one
// server at a time (alone.jsonl), and of three beside each other on two cores
// (later.jsonl), whose children lived shorter by a factor of two and more as soon as
// the first server was done: there it claims no distance.
func TestForecastOfLaterForks(t *testing.T) {
	all := candidates()
	for file, off := range map[string]float64{"alone.jsonl": offOnAverage + 0.01, "later.jsonl": 1} {
		scores := replay(recordedForks(t, file), all[len(all)-1])
		for _, series := range []string{"growing", "skewed", "big", "all"} {
			t.Logf("%s: %s, %d forks %s", file, series, len(scores[series].errors), scores[series])
		}
		claim(t, scores["all"], 36, off)
	}
}

// claim fails where the forecast was not enough, or too far off, or not made.
func claim(t *testing.T, s score, forks int, off float64) {
	t.Helper()
	if n := len(s.errors); n < forks {
		t.Fatalf("%d forecasts, want %d at least", n, forks)
	}
	if enough := s.enough(); enough < enoughInMost {
		t.Errorf("the forecast was enough for %.0f %% of the forks only", 100*enough)
	}
	if _, was := s.mean(); was > off {
		t.Errorf("the forecast was %.0f %% off on average", 100*was)
	}
}

// TestStallOfRecordedForks does the same for the time that a fork takes. It claims
// less: what else the machine does decides more than the server's size.
func TestStallOfRecordedForks(t *testing.T) {
	cases := recordedForks(t, "forks.jsonl")
	var s score
	past := map[string][]fork.Record{}
	for i := range cases {
		c := &cases[i]
		st := c.State(past[c.Series])
		took, measured := c.Fork.StallSeconds.Get()
		if f, ok := OfKind(&st, c.Fork.Kind).Stall.Get(); ok && measured && len(past[c.Series]) >= stalls {
			s.errors = append(s.errors, f.Seconds/took-1)
		}
		past[c.Series] = append([]fork.Record{c.Fork}, past[c.Series]...)
	}
	t.Logf("stall, %d forks: enough, mean error, mean distance, range %s", len(s.errors), s)
	if s.enough() < 0.7 {
		t.Errorf("the forecast of the stall was enough for %.0f %% only", 100*s.enough())
	}
}

// The measured rate of writes and the lifetimes of forks tell well how much will be
// written.
func TestWritesOfRecordedForks(t *testing.T) {
	var s score
	for _, c := range recordedForks(t, "forks.jsonl") {
		changes, ok1 := c.Fork.Changes.Get()
		rate, ok2 := c.ChangesPerSec.Get()
		if ok1 && ok2 {
			s.errors = append(s.errors, rate*c.Fork.LifetimeSeconds.Or(0)/changes-1)
		}
	}
	_, off := s.mean()
	t.Logf("writes, had the lifetime been known: %d forks, %s", len(s.errors), s)
	if off > 0.1 {
		t.Errorf("the write rate is %.0f %% off on average", 100*off)
	}
}
