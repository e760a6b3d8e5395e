// Package proc reads processes: what they are, what they cost, how they end. It
// is the only package that knows where procfs and sysfs are mounted.
//
// Parsers are pure functions of bytes. A Process is one process held by its
// descriptors, so that it can't be taken for a later one of the same pid. What
// must be proved is proved here: FindServer never returns a process that merely
// looks right.
//
// Nothing here knows of servers' protocols, metrics or HTTP.
package proc
