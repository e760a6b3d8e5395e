package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// sumMetrics adds up the series of each metric in the text format. A metric may
// be followed by a label that the series must have: `name label="value"`.
func sumMetrics(text io.Reader, metrics ...string) ([]int, error) {
	sums, seen := make([]int, len(metrics)), make([]bool, len(metrics))
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		series, value, ok := strings.Cut(lines.Text(), "} ")
		name, labels, labelled := strings.Cut(series, "{")
		if !ok || !labelled {
			continue // a comment, or a metric without labels
		}
		for i, m := range metrics {
			wanted, label, _ := strings.Cut(m, " ")
			if name != wanted || !strings.Contains(","+labels+",", label) {
				continue
			}
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", lines.Text(), err)
			}
			sums[i] += int(n)
			seen[i] = true
		}
	}
	for i, m := range metrics {
		if !seen[i] {
			return nil, fmt.Errorf("no metric %s", m)
		}
	}
	return sums, lines.Err()
}
