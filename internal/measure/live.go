package measure

import (
	"math"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

const (
	rateOver  = 2.0 // seconds of the curve that the rate is taken over
	barLeast  = 10  // columns
	barMost   = 30
	leftAfter = 0.02 // of the keys: before that, what is left is a guess
)

// progress is how far a running fork is.
type progress struct {
	kind    fork.Kind
	seconds float64          // since birth
	done    opt.Val[float64] // 0 to 1, by the server's own count of keys
	dirty   opt.Val[uint64]  // private dirty memory now
	copied  opt.Val[uint64]
	rate    opt.Val[float64] // bytes a second that it grows by
	left    opt.Val[float64] // seconds to the end
}

func progressOf(f *fork.Record, st *track.State, now time.Time) progress {
	p := progress{kind: f.Kind, seconds: max(0, now.Sub(f.Start).Seconds()), copied: f.CopiedBytes}
	if n := len(f.Curve); n > 0 {
		last := f.Curve[n-1]
		p.dirty = opt.Of(last.PrivateDirty)
		p.rate = rate(f.Curve)
	}
	if st.Info == nil || st.InfoAt.Before(f.Start) || len(st.Children) != 1 {
		return p
	}
	processed, ok1 := st.Info.SaveKeysProcessed.Get()
	total, ok2 := st.Info.SaveKeysTotal.Get()
	if !ok1 || !ok2 || total == 0 {
		return p
	}
	done := min(1, float64(processed)/float64(total))
	p.done = opt.Of(done)
	if done >= leftAfter {
		// The count was true when INFO was answered.
		then := st.InfoAt.Sub(f.Start).Seconds()
		p.left = opt.Of(max(0, then/done-p.seconds))
	}
	return p
}

// rate returns how many bytes a second curve grew by over its last seconds; below 0
// where it fell.
func rate(curve []fork.Point) opt.Val[float64] {
	last := curve[len(curve)-1]
	for i := len(curve) - 2; i >= 0; i-- {
		d := last.Seconds - curve[i].Seconds
		if d >= rateOver || i == 0 && d >= rateOver/4 {
			return opt.Of((float64(last.PrivateDirty) - float64(curve[i].PrivateDirty)) / d)
		}
	}
	return opt.Val[float64]{}
}

// Widths of the figures, so that a line does not jump with each digit.
const (
	secondsWidth = len("59.9 s")
	dirtyWidth   = len("private dirty 999 MB")
	rateWidth    = len("+9.99 MB/s")
	leftWidth    = len("about 59 s left")
)

// parts returns the figures of a line, the most important first.
func (p *progress) parts() []string {
	parts := []string{words.Seconds(p.seconds)}
	switch dirty, ok := p.dirty.Get(); {
	case ok:
		parts = append(parts, "private dirty "+words.Bytes(dirty))
	case p.copied.Present():
		parts = append(parts, "copied "+words.Bytes(p.copied.Or(0)))
	}
	if r, ok := p.rate.Get(); ok {
		sign := "+"
		if r < 0 {
			sign = "−"
		}
		parts = append(parts, sign+words.Bytes(uint64(math.Abs(r)))+"/s")
	}
	if s, ok := p.left.Get(); ok {
		parts = append(parts, "about "+roundSeconds(s)+" left")
	}
	return parts
}

func roundSeconds(s float64) string {
	if s < 59.5 {
		return words.Count(uint64(math.Round(s))) + " s"
	}
	return words.Seconds(math.Round(s))
}

// line writes the progress in one line of at most width columns. What has no room
// is left out, the last first; the bar takes what room there is.
func (p *progress) line(width int) string {
	head := words.Kind(p.kind)
	done, known := p.done.Get()
	if known {
		width -= len("  100 %") + 2
	}
	parts := p.parts()
	for i, w := range []int{secondsWidth, dirtyWidth, rateWidth} {
		if i < len(parts)-1 {
			parts[i] += strings.Repeat(" ", max(0, w-columns(parts[i])))
		}
	}
	text := func() string { return strings.Join(parts, "   ") }
	least := 0
	if known {
		least = barLeast
	}
	for len(parts) > 1 && columns(head)+2+least+columns(text()) > width {
		parts = parts[:len(parts)-1]
	}
	if !known {
		return head + "  " + text()
	}
	// As if all figures were there already: the bar must not jump either.
	figures := max(columns(text()), min(secondsWidth+dirtyWidth+rateWidth+leftWidth+3*len("   "), width-columns(head)-2-barLeast))
	bar := min(max(width-columns(head)-2-figures, barLeast), barMost)
	full := int(done * float64(bar))
	return head + "  " + strings.Repeat("█", full) + strings.Repeat("░", bar-full) + " " + percent(done) + "   " + text()
}

// plain writes the progress for where no line can change.
func (p *progress) plain() string {
	text := strings.Join(p.parts(), ", ")
	if done, known := p.done.Get(); known {
		text = strings.TrimSpace(percent(done)) + ", " + text
	}
	return words.Kind(p.kind) + ": " + text
}

// percent returns done, from 0 to 1, always in one width, so that nothing jumps.
func percent(done float64) string {
	s := words.Count(uint64(done * 100))
	return strings.Repeat(" ", 3-len(s)) + s + " %"
}

func columns(s string) int { return len([]rune(s)) }
