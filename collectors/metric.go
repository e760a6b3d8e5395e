package collectors

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Type is a metric's type, as its exposition says it.
type Type string

// The types that are used.
const (
	Gauge     Type = "gauge"
	Counter   Type = "counter"
	Histogram Type = "histogram"
)

// valueType returns the type as client_golang has it, which is meaningful for gauges
// and counters only.
func (t Type) valueType() prometheus.ValueType {
	if t == Counter {
		return prometheus.CounterValue
	}
	return prometheus.GaugeValue
}

// Stability says what may happen to a metric in a later minor version.
type Stability string

// The stabilities.
const (
	Stable       Stability = "stable"       // renamed or removed with a new major version only
	Experimental Stability = "experimental" // may change with any version
)

// labelServer is the label that everything about one server has.
const labelServer = "server"

// Metric is the declaration of one metric.
type Metric struct {
	Name      string
	Type      Type
	PerServer bool     // has the label "server"
	Labels    []string // beyond "server"
	Help      string   // one sentence, which every scrape brings: what the number means, in which unit
	Note      string   // what else there is to know and when it misleads; in the docs only
	Needs     string   // where the number comes from, and so what it takes to have it
	Absent    string   // when there is no series, although Needs is met
	Stability Stability
	Group     string // heading in the docs: the question that it helps to answer
	Endpoint  string // that serves it: /metrics or /curve

	desc *prometheus.Desc
}

// LabelNames returns the names of all labels, "server" first where there is one.
func (m *Metric) LabelNames() []string {
	if !m.PerServer {
		return slices.Clone(m.Labels)
	}
	return append([]string{labelServer}, m.Labels...)
}

// family is the metrics of one file. Either perServer or perHost is set.
type family struct {
	group    string
	forkless bool // has something to say about servers that never fork
	metrics  []*Metric

	perServer func(view, sink)
	perHost   func(hostView, sink)
}

// described returns the family with its declarations completed.
func (f family) described() family {
	for _, m := range f.metrics {
		m.Group, m.Endpoint = f.group, "/metrics"
		m.PerServer = f.perServer != nil
		if m.Stability == "" {
			m.Stability = Stable
		}
		m.desc = prometheus.NewDesc(m.Name, m.Help, m.LabelNames(), nil)
	}
	return f
}
