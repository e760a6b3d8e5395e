// Command observer measures what being observed costs a server, and prints the
// tables of docs/performance.md. `make bench-observer` runs it.
//
// Absolute times on one machine say little, and no two minutes on it are alike.
// So what is compared runs side by side in one run: in each round every observer
// has its turn, in an order that is drawn anew, on the same server with the same
// data. What is printed beside the medians is the ratio to the unobserved turn of
// the same round, as the median over the rounds with a 95 % interval, and the
// ratio of a second unobserved turn to the first: what noise alone looks like.
//
// The server stays the same where observers differ in what they may see of it: a
// process that only sleeps is put into its memory cgroup where it should have none
// of its own. The data compress well, so that saves are not a test of the disk.
//
//	latency     SET latency during BGSAVE, with different observers
//	release     how soon a killed child's memory is free again
//	size        what sampling costs at 8 times the memory
//	accounting  what the kernel's delay accounting costs
//	against     what an older commit's exporter costs beside this tree's (-against)
//
// Progress goes to stderr, finished Markdown to stdout. Everything that was
// started, made or set is undone however the run ends, and what was measured
// until then is printed. Nothing here passes or fails by a time.
package main
