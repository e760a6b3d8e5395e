// Package watch follows every fork of a server, from birth to the child's death.
//
// One Watcher per server runs one event loop, which alone owns the Watcher's
// state. What can block runs beside it and reports to it:
//
//	asker     one INFO at a time: once a second, and at once around births and deaths
//	poller    the children of the server's process, every 10 ms, shared by all servers
//	follower  one per living child (internal/child): measures it, waits for its death
//
// The loop decides which process is the server, which new child is a fork, what
// it was for, which duration in INFO belongs to which fork (ledger), how it
// ended, and when its record is complete. Everything it learns goes into
// internal/history; nothing here knows of Prometheus or HTTP.
//
// watcher.go is the loop, ask.go the asker, process.go and counters.go the server's
// process, room.go what limits its forks, children.go what followers report, fork.go the
// open records; ledger, kind and outcome are pure.
//
// A record is closed once the child is dead, its outcome is known or can't be
// known any more, and the server has been asked after it reaped the child; or
// when that takes longer than closeAfter.
//
// The machine and the server are seen through the interfaces Machine, Process
// and Redis, so that all timing is tested in memory.
package watch
