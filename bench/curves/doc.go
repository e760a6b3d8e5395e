// Command curves measures how true the exporter's curves are, and whether it
// loses forks. `make bench-curves` runs it. Progress goes to stderr, finished
// tables for docs/performance.md to stdout.
//
// It starts servers of its own, puts loads on them, lets them save, and runs the
// real exporter beside them. What the exporter's records say is compared with
// what this program reads itself: the child's smaps as often as it can be had
// (truth.go), and the kernel's delay accounting. A reading of smaps takes tens of
// milliseconds, in which the memory grows: the truth is known to within a band,
// and only what is outside of it counts as the exporter's error (band.go).
//
// The parts, chosen with -only:
//
//	accuracy  each load with and without huge pages, in a memory cgroup of the
//	          server's own and in one that it shares, there with and without the
//	          right to delay accounting
//	forks     a thousand forks, and some that are too short to be seen: is each
//	          in the exporter's accounts, once?
//	estimate  how well the exporter tells the time that copies take where the
//	          kernel does not account it. Not run by default.
//
// It needs root: it sets kernel.task_delayacct, the mode of huge pages and a
// memory cgroup, and puts all of them back at its end, on Ctrl-C too.
package main
