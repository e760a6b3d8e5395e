package rig

import (
	"fmt"
	"io"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Exposition is what an exporter answered to one scrape.
type Exposition struct {
	of       string // whose it is, for errors
	families map[string]*dto.MetricFamily
}

// ParseExposition reads text, which is in Prometheus' text format. Errors of the
// Exposition name of, the exporter.
func ParseExposition(of string, text io.Reader) (Exposition, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(text)
	if err != nil {
		return Exposition{}, fmt.Errorf("metrics of %s: %w", of, err)
	}
	return Exposition{of, families}, nil
}

// Sum returns the sum of the series of the metric that have the labels: names and
// values by turns. Metric is the name of today, or that of a histogram with _count;
// an exposition of an older commit is asked for the name of then. It is an error if
// there is no such series.
func (e Exposition) Sum(metric string, labels ...string) (float64, error) {
	names := append([]series{{metric, nil}}, renamed()[metric]...)
	for i := range names {
		names[i].labels = append(names[i].labels, labels...)
		if sum, n := e.sum(names[i]); n > 0 {
			return sum, nil
		}
	}
	return 0, fmt.Errorf("%s has no series %s", e.of, join(names))
}

// sum adds up the series that s selects, and counts them.
func (e Exposition) sum(s series) (sum float64, n int) {
	family := e.families[s.metric]
	if histogram, ok := strings.CutSuffix(s.metric, "_count"); ok && family == nil {
		family = e.families[histogram]
	}
	for _, m := range family.GetMetric() {
		if s.selects(m.GetLabel()) {
			// Of a metric of one type the others' values are 0.
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue() + float64(m.GetHistogram().GetSampleCount())
			n++
		}
	}
	return sum, n
}
