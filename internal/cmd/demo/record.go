package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
)

// recorded are the samples that a dashboard or a rule can ask for.
const recorded = `{job=~"redis_fork|redis_fork_curve",__name__=~"redis_fork.*|process_cpu_seconds_total|process_resident_memory_bytes"}[1h]`

// record writes what Prometheus has.
func (p *prometheus) record(ctx context.Context, file string) error {
	answer, err := p.get(ctx, "/api/v1/query", url.Values{"query": {recorded}})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := openMetrics(compressed, answer); err != nil {
		return err
	}
	if err := compressed.Close(); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// openMetrics writes Prometheus' answer for a range of time as OpenMetrics' text.
func openMetrics(w io.Writer, answer []byte) error {
	var body struct {
		Data struct {
			Result []struct {
				Metric map[string]string `json:"metric"`
				Values [][2]any          `json:"values"` // seconds, and the value as text
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &body); err != nil {
		return err
	}
	var lines []string
	for _, s := range body.Data.Result {
		var labels []string
		for _, name := range slices.Sorted(maps.Keys(s.Metric)) {
			if name != "__name__" {
				labels = append(labels, fmt.Sprintf("%s=%q", name, s.Metric[name]))
			}
		}
		series := s.Metric["__name__"] + "{" + strings.Join(labels, ",") + "}"
		var b strings.Builder
		for _, v := range s.Values {
			fmt.Fprintf(&b, "%s %s %.3f\n", series, v[1], v[0])
		}
		lines = append(lines, b.String())
	}
	slices.Sort(lines)
	_, err := io.WriteString(w, strings.Join(lines, "")+"# EOF\n")
	return err
}
