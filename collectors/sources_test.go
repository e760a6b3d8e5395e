package collectors

import (
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

func TestSources(t *testing.T) {
	s := idle("s")
	s.Available[fork.SourceChildSmaps] = false
	s.Available[fork.SourceTaskstats] = false
	s.Totals.ReadErrors[track.ReadError{Source: fork.SourceInfo, Reason: "auth"}] = 2
	seriesOf(t, s).want(t, map[string]string{
		`source_available{source="process"}`:                         "1",
		`source_available{source="child_smaps"}`:                     "0",
		`source_available{source="cgroup"}`:                          "1",
		`source_available{source="taskstats"}`:                       "0",
		`exporter_read_errors_total{reason="auth",source="info"}`:    "2",
		`exporter_read_errors_total{reason="timeout",source="info"}`: "0",
	})
}

func TestDragonflyHasNothingAboutForks(t *testing.T) {
	for _, up := range []bool{true, false} {
		s := dragonfly("s")
		s.Up = up
		got := seriesOf(t, s)
		got.none(t, "source_available", "stall_seconds_count", "child_running", "children_total",
			"unobserved_children_total", "unobserved_stalls_total", "server_resident_bytes", "exporter_read_cpu_seconds_total", "exporter_reads_deferred_total")
		got.want(t, map[string]string{
			`exporter_read_errors_total{reason="tls",source="info"}`:       "0",
			`exporter_read_errors_total{reason="denied",source="process"}`: "",
			`exporter_reads_total{source="info"}`:                          "0",
			`exporter_reads_total{source="process"}`:                       "",
		})
	}
}
