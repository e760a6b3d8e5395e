package chart_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/chart"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/forktest"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// cases are forks of every shape that the record allows, and some that it should not.
func cases() map[string]fork.Record {
	points := func(n int, f func(i int) fork.Point) []fork.Point {
		ps := make([]fork.Point, n)
		for i := range ps {
			ps[i] = f(i)
		}
		return ps
	}
	with := func(change func(*fork.Record)) fork.Record {
		f := forktest.Saved(now)
		change(&f)
		return f
	}
	return map[string]fork.Record{
		"saved": forktest.Saved(now), "killed": forktest.Killed(now), "cancelled": forktest.Cancelled(now),
		"running": forktest.Running(now), "partial": forktest.Partial(now), "aof": forktest.AOF(now),
		"zero record": {},
		"no points": with(func(f *fork.Record) {
			f.Curve, f.PeakBytes, f.CopiedCurve, f.CopiedBytes = nil, opt.Val[uint64]{}, nil, opt.Val[uint64]{}
		}),
		"copied only": with(func(f *fork.Record) { f.Curve, f.PeakBytes = nil, opt.Val[uint64]{} }),
		"copied high": with(func(f *fork.Record) {
			f.CopiedBytes = opt.Of(uint64(9e9))
			f.CopiedCurve = []fork.CopiedPoint{{Seconds: 1, Bytes: 1e9}, {Seconds: 20, Bytes: 9e9, Source: fork.SourceTaskstats}}
		}),
		"lone points": with(func(f *fork.Record) {
			f.Curve = points(4, func(i int) fork.Point {
				return fork.Point{Seconds: []float64{0, 0.5, 1, 8}[i], PrivateDirty: uint64(i) * 1e8, Source: fork.SourceCgroup}
			})
		}),
		"wide error": with(func(f *fork.Record) {
			for i := range f.Curve {
				f.Curve[i].Error = opt.Of(uint64(math.MaxUint64))
			}
			f.Curve[7].Error = opt.Of(uint64(5e9))
		}),
		"tail going": with(func(f *fork.Record) {
			f.Tail, f.Start = opt.Val[fork.Tail]{}, now.Add(-30*time.Second)
		}),
		"tail ended": with(func(f *fork.Record) { f.Tail = opt.Of(fork.Tail{Seconds: 12, Faults: 3_456}) }),
		"killed, stall > life, tail": with(func(f *fork.Record) {
			f.StallSeconds, f.Outcome, f.Signal = opt.Of(300.0), fork.OutcomeKilled, opt.Of("SIGKILL")
		}),
		"tail not finite":  with(func(f *fork.Record) { f.Tail = opt.Of(fork.Tail{Seconds: math.NaN(), Truncated: true}) }),
		"nothing known":    {Server: "s", Outcome: fork.OutcomeUnknown, Start: now},
		"partial, nothing": {Server: "s", Outcome: fork.OutcomeUnknown, Start: now, Partial: true},
		"one point":        with(func(f *fork.Record) { f.Curve = f.Curve[:1]; f.PeakBytes = opt.Of(f.Curve[0].PrivateDirty) }),
		"zero life":        with(func(f *fork.Record) { f.LifetimeSeconds, f.Curve, f.Reported = opt.Of(0.0), nil, nil }),
		"zero life, point": with(func(f *fork.Record) {
			f.LifetimeSeconds, f.Reported = opt.Of(0.0), nil
			f.Curve = []fork.Point{{Seconds: 0, PrivateDirty: 4096}}
		}),
		"peak 0": with(func(f *fork.Record) {
			f.PeakBytes, f.ReportedCOWBytes, f.Reported = opt.Of(uint64(0)), opt.Of(uint64(0)), nil
			f.Curve = points(5, func(i int) fork.Point { return fork.Point{Seconds: float64(i)} })
		}),
		"no resident":  with(func(f *fork.Record) { f.ResidentBytes = opt.Val[uint64]{} }),
		"resident 0":   with(func(f *fork.Record) { f.ResidentBytes = opt.Of(uint64(0)) }),
		"no stall":     with(func(f *fork.Record) { f.StallSeconds = opt.Val[float64]{} }),
		"stall > life": with(func(f *fork.Record) { f.StallSeconds = opt.Of(300.0) }),
		"end unknown":  with(func(f *fork.Record) { f.LifetimeSeconds = opt.Val[float64]{} }),
		"sub-second": with(func(f *fork.Record) {
			f.LifetimeSeconds, f.Curve, f.CopiedCurve, f.Reported = opt.Of(0.31), f.Curve[:3], f.CopiedCurve[:3], nil
		}),
		"microseconds": with(func(f *fork.Record) {
			f.LifetimeSeconds, f.Curve, f.CopiedCurve, f.Reported = opt.Of(0.0004), nil, nil, nil
		}),
		"hours":          with(func(f *fork.Record) { f.LifetimeSeconds = opt.Of(7200.0) }),
		"clock set back": with(func(f *fork.Record) { f.Outcome, f.Start = "", now.Add(time.Hour) }),
		"2000 points, falling": with(func(f *fork.Record) {
			f.Curve = points(2000, func(i int) fork.Point {
				return fork.Point{Seconds: float64(i) / 100, PrivateDirty: uint64(1e9 * math.Abs(math.Sin(float64(i)/500)))}
			})
		}),
		"huge": with(func(f *fork.Record) {
			f.PeakBytes, f.ResidentBytes = opt.Of(uint64(math.MaxUint64)), opt.Of(uint64(math.MaxUint64))
			f.Curve[3].PrivateDirty = math.MaxUint64
			f.Curve[3].Error, f.CopiedBytes = opt.Of(uint64(math.MaxUint64)), opt.Of(uint64(math.MaxUint64))
		}),
		"not finite": with(func(f *fork.Record) {
			f.Curve = append(f.Curve, fork.Point{Seconds: math.NaN()}, fork.Point{Seconds: math.Inf(1)}, fork.Point{Seconds: -4})
			f.CopiedCurve = append(f.CopiedCurve, fork.CopiedPoint{Seconds: math.NaN()}, fork.CopiedPoint{Seconds: -1})
			f.LifetimeSeconds, f.StallSeconds = opt.Of(math.Inf(1)), opt.Of(math.NaN())
		}),
		"unsorted": with(func(f *fork.Record) { f.Curve[0], f.Curve[100] = f.Curve[100], f.Curve[0] }),
		"hostile":  with(func(f *fork.Record) { f.Server = "a\"><script>alert(1)</script>\x00\x1b&" }),
	}
}

// drawings are all the pictures of a fork.
func drawings(f fork.Record) map[string][]byte {
	return map[string][]byte{
		"small": []byte(chart.Small(f, now)), "large": []byte(chart.Large(f, now)),
		"compact": []byte(chart.Compact(f, now)), "standalone": chart.Standalone(f, now),
	}
}

func TestEveryForkGivesWellFormedSVG(t *testing.T) {
	for name, f := range cases() {
		for sort, svg := range drawings(f) {
			t.Run(name+"/"+sort, func(t *testing.T) {
				checkSVG(t, svg)
			})
		}
	}
}

// checkSVG parses svg strictly and looks at what every picture must hold: a
// role, a description, and coordinates that are numbers within reach.
func checkSVG(t *testing.T, svg []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	allowed := map[string]bool{"svg": true, "title": true, "g": true, "line": true, "path": true, "circle": true, "rect": true, "text": true, "defs": true, "pattern": true, "style": true}
	var root xml.StartElement
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, svg)
		}
		e, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if !allowed[e.Name.Local] {
			t.Errorf("element %q in the picture", e.Name.Local)
		}
		if root.Name.Local == "" {
			root = e.Copy()
		}
		for _, a := range e.Attr {
			switch a.Name.Local {
			case "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height":
				v, err := strconv.ParseFloat(a.Value, 64)
				if err != nil || math.IsNaN(v) || v < -20 || v > 1200 {
					t.Errorf("<%s %s=%q>: not within the picture", e.Name.Local, a.Name.Local, a.Value)
				}
				if (a.Name.Local == "width" || a.Name.Local == "height") && v < 0 {
					t.Errorf("<%s %s=%q> is negative", e.Name.Local, a.Name.Local, a.Value)
				}
			case "style", "onload", "onclick", "href":
				t.Errorf("attribute %q in the picture", a.Name.Local)
			}
		}
	}
	if root.Name.Local != "svg" || root.Name.Space != "http://www.w3.org/2000/svg" {
		t.Errorf("root element is %v", root.Name)
	}
	if attr(root, "role") != "img" || len(attr(root, "aria-label")) < 40 || attr(root, "viewBox") == "" {
		t.Errorf("root lacks role, description or viewBox: %v", root.Attr)
	}
	if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
		t.Error("a number that is none in the picture")
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// No two texts of a picture may touch, and none may leave it.
func TestTextsDoNotOverlap(t *testing.T) {
	type box struct {
		text           string
		x1, y1, x2, y2 float64
	}
	for name, f := range cases() {
		if name == "huge" {
			continue // a peak of 18 million TB has no room, and needs none
		}
		for sort, svg := range map[string]string{"large": string(chart.Large(f, now)), "compact": string(chart.Compact(f, now))} {
			width := map[string]float64{"large": 960, "compact": 400}[sort]
			var boxes []box
			d := xml.NewDecoder(strings.NewReader(svg))
			for tok, err := d.Token(); err == nil; tok, err = d.Token() {
				e, ok := tok.(xml.StartElement)
				if !ok || e.Name.Local != "text" {
					continue
				}
				var s string
				if err := d.DecodeElement(&s, &e); err != nil {
					t.Fatal(err)
				}
				x, _ := strconv.ParseFloat(attr(e, "x"), 64)
				y, _ := strconv.ParseFloat(attr(e, "y"), 64)
				w := 6.2 * float64(len([]rune(s)))
				switch attr(e, "text-anchor") {
				case "middle":
					x -= w / 2
				case "end":
					x -= w
				}
				boxes = append(boxes, box{s, x, y - 9, x + w, y + 2})
			}
			if len(boxes) < 5 {
				t.Errorf("%s/%s: only %d texts", name, sort, len(boxes))
			}
			for i, a := range boxes {
				if a.x1 < 0 || a.x2 > width || a.y1 < 0 {
					t.Errorf("%s/%s: %q leaves the picture: %v", name, sort, a.text, a)
				}
				for _, b := range boxes[:i] {
					if a.x1 < b.x2 && b.x1 < a.x2 && a.y1 < b.y2 && b.y1 < a.y2 {
						t.Errorf("%s/%s: %q and %q overlap", name, sort, a.text, b.text)
					}
				}
			}
		}
	}
}

func TestLargeTellsTheFork(t *testing.T) {
	for name, want := range map[string][]string{
		"saved": {
			"stall 38.4 ms", "copy 20.3 s", ">ok<", "fc-stall-band", "fc-resident", "fc-final", "seconds since", ">MB<", "ended: ok",
			">private dirty<", ">read exactly<", ">copied<", `class="fc-dot"`, `class="fc-error" d`, ">margin of error<", `class="fc-copied" d`, ">copied 1.20 GB<",
			">tail 8.30 s, cut off by the next fork<", "41,220 write faults", "not to scale",
			"The kernel copied 1.20 GB for the server&#39;s writes, which took the server 2.03 s.", "The tail after the child&#39;s death: 8.30 s, cut off",
		},
		"killed": {
			"killed, SIGKILL", "fc-death fc-bad", ">tail given up after 60 s, 432 MB still protected<", ">not known<", `class="fc-gap" d`, "no trustworthy reading",
			">copied ≥ 458 MB<", "copied at least 458 MB for",
		},
		"copied only":    {"no reading of the child&#39;s memory", `class="fc-copied" d`, ">copied 1.20 GB<", " copied, 100 ms after birth, by delay accounting</title>"},
		"copied high":    {">8,000<"},
		"lone points":    {`class="fc-gap" d`},
		"tail going":     {">tail: still going<", "is still going."},
		"tail ended":     {">tail 12.0 s<", "3,456 write faults"},
		"cancelled":      {">cancelled<", "↑ resident 8.24 GB", "fc-dot", "fc-cut"},
		"running":        {"so far", ">running<", "now: the child is running", "has been running for 12.3 s"},
		"partial":        {"stall not known", "not seen", "url(#fc-hatch-wide)"},
		"no points":      {"no reading of the child&#39;s memory"},
		"hours":          {"minutes since"},
		"sub-second":     {"milliseconds since"},
		"stall > life":   {"not to scale"},
		"end unknown":    {"when is not known"},
		"no resident":    {"peak 1.2"},
		"zero record":    {"no reading of the child&#39;s memory yet"},
		"nothing known":  {"outcome unknown"},
		"clock set back": {"so far"},
	} {
		f := cases()[name]
		got := string(chart.Large(f, now))
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: no %q in the picture", name, w)
			}
		}
	}
}

func TestLargeDoesNotInvent(t *testing.T) {
	for name, unwanted := range map[string][]string{
		"no points":   {"fc-line", "fc-area", "fc-hit", "peak", ">copied"},
		"copied only": {"fc-line", "fc-area", "fc-dot", "fc-gap", "peak"},
		"lone points": {"fc-dot"},
		"one point":   {`class="fc-area"`, `class="fc-line" d`},
		"no resident": {"resident"},
		"no stall":    {"fc-stall"},
		"cancelled":   {`"fc-resident"`, "fc-final", "fc-copied", "fc-tail", ">tail", "fc-error", "read exactly"},
		"running":     {"fc-final", "ended:", "fc-tail", "fc-gap", "fc-error"},
		"tail ended":  {"cut off", "given up"},
		"saved":       {"fc-gap", "fc-hatched", "no reading", "at least"},
	} {
		got := string(chart.Large(cases()[name], now))
		for _, u := range unwanted {
			if strings.Contains(got, u) {
				t.Errorf("%s: %q in the picture", name, u)
			}
		}
	}
}

// Each reading and each figure must be told to the pointer.
func TestHoverTellsTheValues(t *testing.T) {
	f := cases()["one point"]
	f.Curve[0] = fork.Point{Seconds: 1.5, PrivateDirty: 402_500_000, Source: fork.SourceCgroup, Error: opt.Of(uint64(512_000))}
	f.CopiedCurve = []fork.CopiedPoint{{Seconds: 1.2, Bytes: 1e6}, {Seconds: 1.6, Bytes: 391_000_000}, {Seconds: 2.1, Bytes: 5e8}}
	got := string(chart.Large(f, now))
	for _, w := range []string{
		"<title>402 MB private dirty ± 512 kB, 1.50 s after birth, 25 % of resident, by the memory cgroup; 391 MB copied</title>",
		"<title>reported by the server for 7.80 s after birth: 724 MB</title>",
		"<title>resident bytes of the server at the fork: 1.61 GB</title>",
	} {
		if !strings.Contains(got, w) {
			t.Errorf("no %q", w)
		}
	}
}

// The axis must not be squeezed by a tail that is longer than the life, and the
// tail's band is as wide whatever its duration.
func TestTailLeavesTheLifeItsRoom(t *testing.T) {
	death := func(tail opt.Val[fork.Tail]) (x, band float64) {
		f := forktest.Saved(now)
		f.LifetimeSeconds, f.Tail = opt.Of(3.0), tail
		f.Curve, f.CopiedCurve, f.Reported = f.Curve[:29], f.CopiedCurve[:29], nil
		d := xml.NewDecoder(strings.NewReader(string(chart.Large(f, now))))
		for tok, err := d.Token(); err == nil; tok, err = d.Token() {
			if e, ok := tok.(xml.StartElement); ok {
				switch attr(e, "class") {
				case "fc-death fc-ok":
					x, _ = strconv.ParseFloat(attr(e, "x1"), 64)
				case "fc-tail-strip":
					band, _ = strconv.ParseFloat(attr(e, "width"), 64)
				}
			}
		}
		return x, band
	}
	none, _ := death(opt.Val[fork.Tail]{})
	short, band1 := death(opt.Of(fork.Tail{Seconds: 0.2}))
	long, band60 := death(opt.Of(fork.Tail{Seconds: 60, Truncated: true}))
	if short != long || band1 != band60 || band1 < 30 {
		t.Errorf("death at %v with a short tail and at %v with a long one; bands of %v and %v", short, long, band1, band60)
	}
	if long < 700 || none <= long {
		t.Errorf("death at %v of 960 pixels with a tail, at %v without", long, none)
	}
}

// A long curve is thinned, but its highest point and its end stay.
func TestLongCurveKeepsItsPeak(t *testing.T) {
	f := forktest.Saved(now)
	f.Curve, f.CopiedCurve = nil, nil
	for i := range 5000 {
		p := fork.Point{Seconds: float64(i) / 250, PrivateDirty: 1e8}
		if i == 3333 {
			p.PrivateDirty = 1_400_000_000
		}
		f.Curve = append(f.Curve, p)
	}
	f.PeakBytes = opt.Of(uint64(1_400_000_000))
	for sort, svg := range drawings(f) {
		if len(svg) > 80_000 {
			t.Errorf("%s: %d bytes", sort, len(svg))
		}
		if sort != "small" && !strings.Contains(string(svg), "1.40 GB private dirty, 13.3 s after birth") {
			t.Errorf("%s: the peak is gone", sort)
		}
	}
}

// Hostile text stays text: checkSVG above would find the element; this also
// holds for the raw bytes, as an HTML parser sees them.
func TestHostileNameIsText(t *testing.T) {
	for sort, svg := range drawings(cases()["hostile"]) {
		if bytes.Contains(svg, []byte("<script")) || bytes.ContainsAny(svg, "\x00\x1b") {
			t.Errorf("%s: the name became markup", sort)
		}
		if !bytes.Contains(svg, []byte("&lt;script&gt;")) {
			t.Errorf("%s: the name is gone", sort)
		}
	}
}

func TestStandaloneCarriesItsStyle(t *testing.T) {
	svg := chart.Standalone(forktest.Saved(now), now)
	var doc struct {
		Style string `xml:"style"`
	}
	if err := xml.Unmarshal(svg, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Style != chart.Stylesheet {
		t.Error("the style is not the stylesheet, byte for byte: a policy that names its hash would refuse it")
	}
	if strings.Contains(string(chart.Large(forktest.Saved(now), now)), "<style") {
		t.Error("the picture for pages carries a style, which their policy forbids")
	}
}

// The stylesheet must know every class that is drawn, or shapes are black.
func TestEveryClassHasAStyle(t *testing.T) {
	bare := map[string]bool{"fc-large": true, "fc-wide": true, "fc-narrow": true}
	for name, f := range cases() {
		for _, svg := range drawings(f) {
			d := xml.NewDecoder(bytes.NewReader(svg))
			for tok, err := d.Token(); err == nil; tok, err = d.Token() {
				e, ok := tok.(xml.StartElement)
				if !ok {
					continue
				}
				for c := range strings.FieldsSeq(attr(e, "class")) {
					if !bare[c] && !strings.Contains(chart.Stylesheet, "."+c+" ") && !strings.Contains(chart.Stylesheet, "."+c+",") {
						t.Fatalf("%s: class %q has no style", name, c)
					}
				}
			}
		}
	}
}

// Failures, endings on purpose and good endings must look different without color.
func TestEndMarksDifferInShape(t *testing.T) {
	shapes := map[string]string{}
	for o, element := range map[fork.Outcome]string{fork.OutcomeKilled: "path", fork.OutcomeOOM: "path", fork.OutcomeFailed: "path", fork.OutcomeServerDied: "path", fork.OutcomeCancelled: "rect", fork.OutcomeOK: "circle"} {
		f := forktest.Saved(now)
		f.Outcome = o
		want := fmt.Sprintf(`<%s class="fc-end fc-%s"`, element, chart.OutcomeClass(o))
		if got := string(chart.Small(f, now)); !strings.Contains(got, want) {
			t.Errorf("%s: no %q", o, want)
		}
		shapes[chart.OutcomeClass(o)] = element
	}
	if len(shapes) != 3 {
		t.Errorf("classes %v, want 3", shapes)
	}
}
