// Package history keeps what readers want of all servers: per server its tracked state
// (track.Server), a ring of the last closed records, and every point of the last half
// hour (Feed).
//
// It holds the one lock around a tracked server: Apply takes an event, everything else
// hands out copies, of which metrics, pages and JSON are drawn. It knows nothing of
// /proc, Prometheus or HTTP.
package history
