package pages

import (
	"html/template"
	"math"
	"strconv"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// none stands for what was not known. A dash, because zero would be a figure.
const none = template.HTML(`<span class="none" title="not known">–</span>`)

// titled returns a span of text with title, mostly the exact form of the figure, as its
// title.
func titled(text, title string) template.HTML {
	return template.HTML(`<span title="` + template.HTMLEscapeString(title) + `">` + template.HTMLEscapeString(text) + `</span>`) //nolint:gosec // both are escaped here
}

func bytesHTML(v opt.Val[uint64]) template.HTML {
	n, ok := v.Get()
	if !ok {
		return none
	}
	return titled(words.Bytes(n), words.ExactBytes(n))
}

func secondsHTML(v opt.Val[float64]) template.HTML {
	s, ok := v.Get()
	if !ok {
		return none
	}
	return titled(words.Seconds(s), strconv.FormatFloat(s, 'f', -1, 64)+" seconds")
}

func countHTML(v opt.Val[uint64]) template.HTML {
	n, ok := v.Get()
	if !ok {
		return none
	}
	return template.HTML(words.Count(n)) //nolint:gosec // digits and commas
}

// changesHTML returns v, a count from readings a second apart, as a whole number.
func changesHTML(v opt.Val[float64]) template.HTML {
	n, ok := v.Get()
	if !ok {
		return none
	}
	return countHTML(opt.Of(uint64(math.Round(max(0, n)))))
}

// percentHTML returns part of whole in percent; a dash when one is absent or the whole
// is 0.
func percentHTML(part, whole opt.Val[uint64]) template.HTML {
	p, ok1 := part.Get()
	w, ok2 := whole.Get()
	if !ok1 || !ok2 || w == 0 {
		return none
	}
	return titled(words.Percent(p, w), words.ExactBytes(p)+" of "+words.ExactBytes(w))
}

// rateHTML returns stall in milliseconds per GiB of resident memory.
func rateHTML(stall opt.Val[float64], resident opt.Val[uint64]) template.HTML {
	rate := words.StallRate(stall, resident)
	if rate == "" {
		return none
	}
	return titled(rate, "milliseconds of stall per GiB (1,073,741,824 bytes) resident")
}

func whenHTML(t, now time.Time) template.HTML {
	if t.IsZero() {
		return none
	}
	t = t.UTC()
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339Nano) + `" title="` + t.Format("2006-01-02 15:04:05.000") + ` UTC">` + ago(t, now) + `</time>`) //nolint:gosec // digits and fixed words
}

// ago returns how long before now t was, in the largest unit that fits.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < time.Second: // also a clock that was set back
		return "just now"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s ago"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min ago"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + " h ago"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + " days ago"
}
