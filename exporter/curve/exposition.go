package curve

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// metric is the name and the help text of a line.
func metric(line fork.Line) (name, help string) {
	switch line {
	case fork.LinePrivateDirty:
		return "redis_fork_curve_private_dirty_bytes", "Private dirty memory of the fork's child in bytes, with a time of its own for each point."
	case fork.LineCopied:
		return "redis_fork_curve_copied_bytes", "Bytes that the kernel copied since the fork's birth for the server's writes, with a time of its own for each point."
	default:
		return "redis_fork_curve_resident_bytes", "Resident memory of the server in bytes while a child lives, with a time of its own for each point."
	}
}

// write writes the points of all lines, metric by metric and series by series:
// OpenMetrics wants the samples of a metric together and in ascending order.
func write(b *bytes.Buffer, lines []series, openMetrics bool) {
	for line := range fork.Lines {
		name, help := metric(line)
		b.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " gauge\n")
		for _, s := range lines {
			if s.line != line {
				continue
			}
			prefix := name + `{server="` + escape(s.server) + `"} `
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

// escape escapes a label's value; both formats want the same.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}
