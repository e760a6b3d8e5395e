// Package child measures one living child of a server, and the tail that its fork
// leaves after its death.
//
// A Follower has one child. It takes the readings that are due, makes the fork's two
// lines of them (docs/measuring.md), waits for the child's death, finds out how it
// ended, and counts the tail. What it finds it reports as events to whoever made it;
// it knows neither the record that is made of them nor the loop that keeps it. What has
// to be remembered between two children of one server is one value, Experience, that is
// handed in and reported back.
//
//	follow.go    the life of a Follower: title, death, end
//	counters.go  what is read of the server: Counters, Reading
//	sample.go    a point of each line, when it is due
//	exact.go     when smaps is read, and whether it need be
//	pages.go     the sample of the child's pages
//	tail.go      the write faults after the death
//
// meter, sweep, runtime and budget hold the arithmetic and do no I/O.
package child
