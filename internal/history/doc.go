// Package history holds the exporter's only state: per server the present, the
// totals since the exporter started, a ring of the last forks (fork.Record), and
// every point of the last half hour (Feed).
//
// It knows nothing of /proc, Prometheus or HTTP. Watchers write to it; metrics,
// pages and JSON are drawn from the copies it hands out.
package history
