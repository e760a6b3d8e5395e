package collectors

// What one server costs the Prometheus that scrapes it, with everything known.
// Tests count.
const (
	// MaxSeries is the most series of a server whose forks are of the kinds that
	// exist from the start: rdb, aof and replication.
	MaxSeries = 160
	// SeriesPerKind is how many series each further kind adds, since its first fork.
	SeriesPerKind = 18
)
