package rig

import (
	"fmt"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// series are the series of a metric that have the labels: names and values by turns.
type series struct {
	metric string
	labels []string
}

// renamed returns what metrics were called in older commits, the latest name first, by
// their names of today. Only metrics that a bench reads are in it.
func renamed() map[string][]series {
	return map[string][]series{
		"redis_fork_unobserved_children_total":       {{"redis_fork_unobserved_total", []string{"what", "child"}}},
		"redis_fork_unobserved_stalls_total":         {{"redis_fork_unobserved_total", []string{"what", "duration"}}},
		"redis_fork_exporter_read_cpu_seconds_total": {{"redis_fork_exporter_sampler_cpu_seconds_total", nil}},
		"redis_fork_exporter_reads_total":            {{"redis_fork_exporter_sampler_reads_total", nil}},
	}
}

// selects reports whether a series with the labels has is one of s.
func (s series) selects(has []*dto.LabelPair) bool {
	values := map[string]string{}
	for _, l := range has {
		values[l.GetName()] = l.GetValue()
	}
	for i := 0; i < len(s.labels); i += 2 {
		if values[s.labels[i]] != s.labels[i+1] {
			return false
		}
	}
	return true
}

// String returns s as PromQL writes it.
func (s series) String() string {
	var labels []string
	for i := 0; i < len(s.labels); i += 2 {
		labels = append(labels, fmt.Sprintf("%s=%q", s.labels[i], s.labels[i+1]))
	}
	if labels == nil {
		return s.metric
	}
	return s.metric + "{" + strings.Join(labels, ",") + "}"
}

// join lists names, the name of today first.
func join(names []series) string {
	all := make([]string, len(names))
	for i, s := range names {
		all[i] = s.String()
	}
	return strings.Join(all, ", formerly ")
}
