package history

import "github.com/redis-fork-exporter/redis_fork_exporter/internal/track"

type (
	// ServerState is track.State.
	ServerState = track.State
	// Child is track.Child.
	Child = track.Child
	// LastFork is track.LastFork.
	LastFork = track.LastFork
	// Totals is track.Totals.
	Totals = track.Totals
	// ReadError is track.ReadError.
	ReadError = track.ReadError
	// Histogram is track.Histogram.
	Histogram = track.Histogram
)

// RecentForks is track.RecentForks.
const RecentForks = track.RecentForks
