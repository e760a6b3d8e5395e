package track

import (
	"math"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

func approximately(a, b float64) bool { return math.Abs(a-b) < 1e-6*max(1, math.Abs(b)) }

// server is one that is asked once a second, and what it has answered.
type asked struct {
	changes
	now time.Time
}

func newAsked() *asked { return &asked{now: time.Unix(1_790_000_000, 0)} }

func (a *asked) replies(dirty ...uint64) {
	for _, n := range dirty {
		a.now = a.now.Add(time.Second)
		a.reply(redisinfo.Info{RunID: "r", ChangesSinceLastSave: opt.Of(n), LastSaveTime: opt.Of(int64(1))}, a.now)
	}
}

func (a *asked) total() float64 { return a.counted[len(a.counted)-1].value }

func TestChangesGoOnWhenASaveEnds(t *testing.T) {
	a := newAsked()
	a.replies(1000, 1100, 1200, 1300)
	if got := a.total(); got != 300 {
		t.Errorf("%v changes, want 300", got)
	}
	a.replies(150) // a save of what was there two seconds ago has ended: as much as usual was written
	if got := a.total(); !approximately(got, 400) {
		t.Errorf("%v changes when the count fell, want 400", got)
	}
	a.replies(250)
	if got := a.total(); !approximately(got, 500) {
		t.Errorf("%v changes after, want 500", got)
	}
	// It need not fall where a save ends: what was written since its fork may be more
	// than it has saved. The time of the last save tells.
	a.now = a.now.Add(time.Second)
	a.reply(redisinfo.Info{RunID: "r", ChangesSinceLastSave: opt.Of(uint64(260)), LastSaveTime: opt.Of(int64(2))}, a.now)
	if got := a.total(); !approximately(got, 600) {
		t.Errorf("%v changes after another save, want 600", got)
	}
}

func TestChangesOfAnotherRun(t *testing.T) {
	a := newAsked()
	a.replies(1000, 1100, 1200)
	a.now = a.now.Add(time.Second)
	a.reply(redisinfo.Info{RunID: "another", ChangesSinceLastSave: opt.Of(uint64(5000))}, a.now)
	if got := a.total(); got != 0 || a.counted.rate().Present() {
		t.Errorf("%v changes, rate %v: of another server", got, a.counted.rate())
	}
	a.now = a.now.Add(time.Second)
	a.reply(redisinfo.Info{RunID: "another"}, a.now) // no such field
	if len(a.counted) != 0 {
		t.Errorf("counted on without the server's count: %v", a.counted)
	}
}

func TestRate(t *testing.T) {
	var w window
	if w.rate().Present() || w.value(time.Now()).Present() {
		t.Error("a rate of nothing")
	}
	at := time.Unix(1_790_000_000, 0)
	w.add(at, 5)
	w.add(at.Add(400*time.Millisecond), 50) // an INFO at once, around a birth
	if w.rate().Present() {
		t.Errorf("rate %v over 400 ms", w.rate())
	}
	for s := 1; s <= 100; s++ {
		perSecond := 10.
		if s > 60 {
			perSecond = 70
		}
		w.add(at.Add(time.Duration(s)*time.Second), w[len(w)-1].value+perSecond)
	}
	if got, _ := w.rate().Get(); !approximately(got, 70) {
		t.Errorf("rate %v, want that of the last half minute, 70", got)
	}
	if len(w) > 32 {
		t.Errorf("%d readings are kept", len(w))
	}
	last := w[len(w)-1]
	if got, _ := w.value(last.at.Add(-2500 * time.Millisecond)).Get(); !approximately(got, last.value-175) {
		t.Errorf("between two readings: %v, want %v", got, last.value-175)
	}
	if got, _ := w.value(last.at.Add(time.Second)).Get(); !approximately(got, last.value+70) {
		t.Errorf("after the last: %v, want %v", got, last.value+70)
	}
	if got := w.value(at); got.Present() {
		t.Errorf("%v from before the window", got)
	}
}
