// Package dashboards holds the Grafana dashboards and the rules as the binary and
// the repository ship them. Dashboards are classic JSON, importable as they are,
// with the data source as a variable; internal/cmd/dashboards writes them.
// Beside them are the alerts, their limits and the inhibitions (docs/alerts.md).
//
// The tests here keep every dashboard decodable by Grafana's own types, and every
// metric, label and layout rule in step with the exporter. Prometheus evaluates
// every expression on what an exporter said about real forks. No code that draws,
// queries or provisions anything belongs here.
package dashboards
