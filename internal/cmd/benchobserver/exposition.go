package main

import (
	"bufio"
	"strconv"
	"strings"
)

// sum adds up a metric's series in an exposition of the text format: those whose
// labels contain with, which is "" for all. It tells how many there were.
func sum(exposition, metric, with string) (total float64, series int) {
	lines := bufio.NewScanner(strings.NewReader(exposition))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), metric)
		if !ok || rest == "" || (rest[0] != '{' && rest[0] != ' ') {
			continue // another one, whose name begins like this
		}
		at := strings.LastIndexByte(rest, ' ') // no timestamps here
		v, err := strconv.ParseFloat(rest[at+1:], 64)
		if err != nil || !strings.Contains(rest[:at], with) {
			continue
		}
		total += v
		series++
	}
	return total, series
}
