// Package track owns what is known of one server: its open forks, its totals, and
// the rules by which a fork gets its duration, its kind and its outcome.
//
// A Server has one mutator, Apply: an Event goes in, and Actions come out for whoever
// carries them out. Apply does no I/O, reads no clock and takes no lock; the caller
// hands in the time and calls it from one goroutine at a time. So every order of
// events can be tested as a list (testdata).
//
//	event.go         what can happen
//	action.go        what is to be done, kept or told then
//	server.go        Apply
//	ask.go           when INFO is asked and when the process is looked for
//	reply.go         what a reply to INFO makes known
//	process.go       the server's process
//	fork.go          the life of an open fork
//	points.go        what its child's readings add to it
//	extra_memory.go  its curve over writes
//	totals.go        what a closed fork adds to the counters
//	state.go         what a reader gets
//	invariant.go     the accounts that add up after each event
//
// ledger, kind, outcome, changes and window are arithmetic that knows none of these.
package track
