package collectors

import "testing"

func TestReads(t *testing.T) {
	seriesOf(t, down("s")).want(t, map[string]string{
		`exporter_read_cpu_seconds_total{source="child_smaps"}`: "0.25",
		`exporter_reads_total{source="child_smaps"}`:            "40",
		`exporter_reads_deferred_total`:                         "12",
		`exporter_read_cpu_seconds_total{source="counters"}`:    "0.0125",
		`exporter_reads_total{source="counters"}`:               "400",
		`exporter_reads_deferred_total{source="counters"}`:      "", // no budget is short of them
	})
	seriesOf(t, idle("s")).want(t, map[string]string{
		`exporter_read_cpu_seconds_total{source="child_smaps"}`: "0",
		`exporter_reads_total{source="child_smaps"}`:            "0",
		`exporter_reads_deferred_total`:                         "0",
		`exporter_reads_total{source="counters"}`:               "0",
	})
}
