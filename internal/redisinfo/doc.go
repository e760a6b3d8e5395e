// Package redisinfo asks a Redis-compatible server about itself: it reads
// replies to INFO into a struct, and holds the one connection to a server over
// which they come.
//
// Parse and ParseSavePoints are pure. Client sends HELLO and AUTH when it
// connects, and then INFO and, when asked, CONFIG GET; whatever else it is given,
// it does not send (allow.go). StartFork is the one exception, and not a Client's:
// the command measure calls it. Nothing in here may send anything that writes, or
// is slow on the server (LATENCY DOCTOR and MEMORY DOCTOR read smaps in the
// server's only command thread). What the fields mean over time (which fork a
// duration belongs to, whether a total was reset) is for the caller to find out;
// their traps are told at the fields of Info.
package redisinfo
