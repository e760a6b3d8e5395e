// Package taskstats asks the kernel what copied pages cost a process: how many
// it copied for writes to shared pages, and how long that took. It speaks the
// generic netlink family TASKSTATS, of which it reads the few fields of Stats.
//
// # What is needed
//
// CONFIG_TASKSTATS and CONFIG_TASK_DELAY_ACCT, CAP_NET_ADMIN in the initial user
// namespace, and kernel.task_delayacct=1 before the server starts: a thread that
// was started with it off is never counted. Network namespaces don't matter;
// pids are those of the caller's PID namespace. A container needs NET_ADMIN and
// the server's PID namespace, and no user namespace of its own: rootless ones
// can't have it.
//
// # What the numbers mean
//
// CopyCount counts the kernel's page copies (wp_page_copy): the first write to a
// page shared with a child. It counts also the first write to an untouched page
// that was read before (the shared zero page is "copied"), copies of private file
// pages, and copies that failed. Take differences, over the time that a child
// lives. Write faults that need no copy, the tail after a child, don't count.
//
// CopyDelay is the elapsed time inside these copies. It is about 64 % of what a
// write fault takes as a whole (1.45 of 2.25 µs, Linux 6.18 in a virtual machine):
// a lower bound of what a command waits. But it is no processor time: being
// preempted and reclaiming memory inside the copy count too, so with more busy
// threads than processors it can be many times the work (11 µs a page, measured).
//
// # Process or thread
//
// An answer for a process is the sum over its living threads and those that
// ended. In it only the copies are filled in: no pid, no name, no minor faults.
// Two rough edges (kernel/taskstats.c, up to Linux 6.18 at least):
//
//   - A process that never had a second thread answers with zeros once it is a
//     zombie: its figures are with the thread. A forked child is such a process.
//     Thread has the figures until it is reaped.
//   - A thread on its way out is counted twice, from when its figures are added
//     to those of the ended threads until it is a zombie. That is a moment, except
//     for the last thread, which frees the process's memory in between: a dying
//     server can show twice the copies of its whole life (for 216 ms, measured,
//     with 700 MB). Believe no growth of the sum that ends in the server's death
//     until it is a zombie or the sum has gone back; CountDelta takes a step back
//     for no copies.
//
// # Versions
//
// The copies are in the struct since its version 13 (Linux 5.19). It grows at its
// end, except that version 15 (Linux 6.14.0 to 6.14.8 and distributions' 6.14) put
// fields into its middle, which version 16 (6.14.9, 6.15) moved to its end. Both
// have 560 bytes, so the version alone tells them apart.
//
// Nothing here knows of servers, forks, metrics or HTTP.
package taskstats
