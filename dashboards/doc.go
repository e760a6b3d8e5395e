// Package dashboards holds the Grafana dashboards as the binary and the
// repository ship them: classic dashboard JSON, importable as it is, with the
// data source as a variable. Beside them are the alerts, their limits and the
// inhibitions (docs/alerts.md).
//
// The tests here keep every expression parseable by Prometheus' own parser and
// every metric, label and layout rule in step with the exporter. No code that
// draws, queries or provisions anything belongs here.
package dashboards
