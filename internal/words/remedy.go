package words

import "strconv"

// Reader is the program that can't read something, as the text calls it.
type Reader string

// The readers.
const (
	TheExporter Reader = "the exporter"
	ThisCommand Reader = "this" // the command that says so
)

// ReadSmaps returns what lets reader read the memory of the server's children.
func ReadSmaps(reader Reader) string {
	return "run " + string(reader) + " as the server's user and group and in its user namespace (systemd's PrivateUsers= gives the server one of its own), or give it CAP_SYS_PTRACE"
}

// ReadPages returns what lets reader read the children's memory page by page: no
// capability short of root's does.
func ReadPages(reader Reader) string {
	return "run " + string(reader) + " as the server's user and group; CAP_SYS_PTRACE does not open a pagemap"
}

// Taken returns why the process pid, which was proved to be a server's, is not followed
// as that: it belongs to the server of the name owner.
func Taken(pid int, owner string) string {
	return "process " + strconv.Itoa(pid) + " is followed as server " + strconv.Quote(owner) + " already, and a fork belongs to one server; if both names mean the same, " + LeaveOneOut
}

// LeaveOneOut is what to do about one server with two names.
const LeaveOneOut = "leave one of them out"

// DelaysPrice is what delay accounting costs, as docs/performance.md measures it.
const DelaysPrice = "that costs the server some 5 % of its commands right after a fork, and else nothing that shows"

// What makes the kernel tell the time that the server's copies take.
const (
	SwitchDelaysOn = "set kernel.task_delayacct=1 and then restart the server; " + DelaysPrice
	BuildDelaysIn  = "it takes a kernel with CONFIG_TASKSTATS, and AF_NETLINK among systemd's RestrictAddressFamilies="
	NewerDelays    = "it takes Linux 5.19 or later"
)

// ReadDelays returns what makes the kernel tell reader, which may not ask, the time that
// the server's copies take.
func ReadDelays(reader Reader) string {
	return "give " + string(reader) + " CAP_NET_ADMIN in the initial user namespace, " + SwitchDelaysOn
}
