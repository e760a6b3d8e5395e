// Package curve serves /curve: the points of every fork with their own times,
// for a second scrape job, so that a save that falls between two scrapes arrives
// whole.
//
// It holds the readers' places and nothing else: the points are
// internal/history's. A request reads memory only and never waits for a server,
// nor for another reader.
package curve
