package curve

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/collectors"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// write writes the points of all lines, metric by metric and series by series:
// OpenMetrics wants the samples of a metric together and in ascending order.
func write(b *bytes.Buffer, lines []series, openMetrics bool) {
	for line, m := range collectors.Curves() {
		b.WriteString("# HELP " + m.Name + " " + m.Help + "\n# TYPE " + m.Name + " " + string(m.Type) + "\n")
		for _, s := range lines {
			if s.line != fork.Line(line) {
				continue
			}
			prefix := m.Name + `{server="` + escape(s.server) + `"} `
			for _, p := range s.points {
				b.WriteString(prefix)
				b.Write(strconv.AppendUint(b.AvailableBuffer(), p.Bytes, 10))
				b.WriteByte(' ')
				if openMetrics {
					b.Write(strconv.AppendFloat(b.AvailableBuffer(), seconds(p.Millis), 'f', -1, 64))
				} else {
					b.Write(strconv.AppendInt(b.AvailableBuffer(), p.Millis, 10))
				}
				b.WriteByte('\n')
			}
		}
	}
	if openMetrics {
		b.WriteString("# EOF\n")
	}
}

// seconds returns millis, a time in milliseconds since 1970, as OpenMetrics has it.
// Prometheus (2.42 to 3.x) cuts what it has read off to whole milliseconds, and
// 1700000000.123 is read as a little less than that: two points a millisecond apart
// could fall together. So it is the next larger number in such a case.
func seconds(millis int64) float64 {
	s := float64(millis) / 1000
	if int64(s*1000) < millis {
		s = math.Nextafter(s, math.Inf(1))
	}
	return s
}

// escape escapes the value s of a label, which /metrics writes in the same way; both
// formats want the same.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(collectors.LabelValue(s))
}
