// Package fork holds the record of one fork: what it was for, how it ended, what
// it cost, and the readings that the record is made of.
//
// It is the vocabulary of everything above it: whoever follows a fork fills a
// Record, and metrics, pages, log and JSON are drawn from it. It has no lock, no
// clock and no I/O. A Record that has been handed out never changes: its slices
// are only appended to or replaced, and the holder of a copy must not write to them.
package fork
