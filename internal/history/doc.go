// Package history holds the exporter's only state: per server the present, the
// totals since the exporter started, a ring of the last forks, and every point of
// the last half hour (Feed).
//
// It knows nothing of /proc, Redis, Prometheus or HTTP. Watchers write to it;
// metrics, pages and JSON are drawn from the copies it hands out. A Fork that
// has been handed out never changes: its slices are only ever appended to or
// replaced, and the holder of a copy must not write to them.
package history
