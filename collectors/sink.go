package collectors

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// sink takes the metrics of one server, or of the host.
type sink struct {
	ch     chan<- prometheus.Metric
	server string
}

// value exports v, with the values of the labels of m beyond "server", as the gauge
// or counter m. What can't be exported is reported by the scrape as an error; it
// never panics, because the scrape's other metrics stand.
func (o sink) value(m *Metric, v float64, labels ...string) {
	metric, err := prometheus.NewConstMetric(m.desc, m.Type.valueType(), v, o.labels(m, labels)...)
	o.send(m, metric, err)
}

// flag exports m as 1 where v is true, else as 0.
func (o sink) flag(m *Metric, v bool, labels ...string) {
	if v {
		o.value(m, 1, labels...)
	} else {
		o.value(m, 0, labels...)
	}
}

// histogram exports h as the histogram m.
func (o sink) histogram(m *Metric, h *track.Histogram) {
	metric, err := prometheus.NewConstHistogram(m.desc, h.Count, h.Sum, h.Cumulative(), o.labels(m, nil)...)
	o.send(m, metric, err)
}

// send exports metric; where err says that it could not be made, an error of m
// instead.
func (o sink) send(m *Metric, metric prometheus.Metric, err error) {
	if err != nil {
		metric = prometheus.NewInvalidMetric(m.desc, err)
	}
	o.ch <- metric
}

// labels returns the values of all labels of m: the server's name where m has that,
// then values.
func (o sink) labels(m *Metric, values []string) []string {
	out := make([]string, 0, len(values)+1)
	if m.PerServer {
		out = append(out, LabelValue(o.server))
	}
	for _, v := range values {
		out = append(out, LabelValue(v))
	}
	return out
}

// LabelValue returns s with bytes that are no UTF-8 as \xNN. A label with such a byte
// would cost the whole metric; unlike a replacement character, this keeps names that
// differ different.
func LabelValue(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[i])
		} else {
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

type number interface {
	~int | ~int64 | ~uint64 | ~float64
}

// present exports v as m if there is a v.
func present[T number](o sink, m *Metric, v opt.Val[T], labels ...string) {
	if n, ok := v.Get(); ok {
		o.value(m, float64(n), labels...)
	}
}

// unixSeconds returns t as Unix seconds, in the grain in which births and samples are
// known: milliseconds.
func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
