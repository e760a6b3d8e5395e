// Command demo shows the exporter at work: it fills a private Redis, puts it
// under a write load, makes it fork for several reasons and with several ends,
// and tells after each fork what it cost. It reads all of that from the exporter's
// own API.
//
// With --prometheus it brings up all that the dashboards and alerts are about: a
// replica beside the Redis, and a real Prometheus that scrapes /metrics and /curve
// with the shipped rules loaded. With --record it then also writes what Prometheus
// has in the end, in OpenMetrics' text format: dashboards/testdata/run.om.gz is such
// a file. With --pictures it has a browser make those of docs/img. make recorded does
// both.
package main
