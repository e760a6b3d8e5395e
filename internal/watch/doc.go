// Package watch runs one server's watch: it brings events to internal/track, which
// decides, and carries out what that calls for.
//
// One Watcher per server runs one event loop. What can block runs beside it and posts
// events to it:
//
//	asker     one INFO at a time, when track.Ask calls for it
//	poller    the children of the server's process, every 10 ms, shared by all servers
//	follower  one per living child (internal/child): measures it, waits for its death
//
// The loop proves which process is the server (attach.go) and which new child is a copy
// of it (children.go), and reads the server's own counters and what limits its forks
// (delays.go, limits.go). Nothing here decides what a fork was for or how it ended, and
// nothing here knows of Prometheus or HTTP.
//
// The machine and the server are seen through the interfaces Machine, Process and Redis,
// so that all timing is tested in memory.
package watch
