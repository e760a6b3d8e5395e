// Package exporter is the running exporter: configuration, one watcher per
// server, HTTP, and the life cycle of them all. It reads no flags, no
// environment and no globals: main turns those into a Config.
//
// Everything that is served is drawn from internal/history's memory, which the
// watchers keep at most a second old. So a scrape never waits for a server, and
// no number of scrapes costs a server anything.
package exporter
