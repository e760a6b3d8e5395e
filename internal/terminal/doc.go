// Package terminal is how the commands talk to a person. What they found goes to
// standard output. What goes on meanwhile goes to standard error, so that a pipe
// gets the findings only: on a terminal as one line that changes, elsewhere line
// by line.
//
// It knows nothing of forks and servers, reads no environment and no flags.
package terminal
