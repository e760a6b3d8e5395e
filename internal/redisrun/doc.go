// Package redisrun starts private redis-server processes on this machine and
// puts data and load on them, for tests and for the demo.
//
// A server started here reads no configuration file, listens on the loopback
// interface or on a unix socket in a directory of its own, saves only when it
// is told to, and does not outlive the process that started it. Nothing in
// here is used by the exporter itself; helpers that need package testing live
// in redistest.
package redisrun
