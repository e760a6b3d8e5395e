// Package collectors turns the state that internal/history holds into Prometheus
// metrics: one file and one test per family, each metric's name, help, type and
// labels declared beside the code that fills it.
//
// Nothing here opens a file or a socket, keeps state or looks at the clock: the
// metrics of a scrape are a function of one Snapshot, so that they agree with
// each other.
//
// A value that is not known gives no series. What came with a server's last reply
// to INFO is exported only while the server answers; counters, the last_* group
// and what is read from a verified process stay.
//
// docs/metrics.md is made from the declarations.
package collectors

//go:generate sh -c "go run ../internal/cmd/metricsdoc >../docs/metrics.md"
