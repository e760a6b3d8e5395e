// Package proc reads processes: what they are, what they cost, how they end. It
// knows where procfs is mounted, and nothing of sysfs.
//
// Parsers are pure functions of bytes. A Process is one process held by its
// descriptors, so that it can't be taken for a later one of the same pid. What
// must be proved is proved here: FindServer never returns a process that merely
// looks right.
//
// What the machine or a cgroup allows a process is internal/limits'. Nothing here
// knows of servers' protocols, metrics or HTTP.
package proc
