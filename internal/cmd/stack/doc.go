// Command stack brings up all that the dashboards and alerts are about: a
// Redis under load and its replica, the exporter, and a real Prometheus that
// scrapes /metrics and /curve with the shipped rules loaded. It says where to
// look, and takes everything down again at Ctrl-C.
//
// With --record it also writes what Prometheus has in the end, in OpenMetrics'
// text format: dashboards/testdata/run.om.gz is such a file.
package main
