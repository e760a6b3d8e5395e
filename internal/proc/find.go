package proc

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Query is what is known of a server whose process is wanted.
type Query struct {
	// Local and Remote are our end of the TCP connection to it and its own; else zero.
	Local, Remote netip.AddrPort
	// Listener is the process that listens on its unix socket (SO_PEERCRED); 0 if not
	// known.
	Listener int

	ProcessID  int                    // INFO's process_id: the pid in the server's own PID namespace
	TCPPort    int                    // INFO's tcp_port; 0 if not known
	Executable string                 // INFO's executable; "" if not known
	Uptime     opt.Val[time.Duration] // INFO's uptime_in_seconds
}

// Reasons of a NotFound.
const (
	NotFoundRemote    = "remote"    // the server runs on another machine
	NotFoundHidden    = "hidden"    // on this machine, where we can't see it
	NotFoundUnproved  = "unproved"  // there is a process of that pid, but no proof that it is the server
	NotFoundAmbiguous = "ambiguous" // several processes pass
)

// NotFound is the error that says why a server has no process that can be trusted to
// be its. The text says what to do.
type NotFound struct{ Reason string }

func (n *NotFound) Error() string {
	switch n.Reason {
	case NotFoundRemote:
		return "the server runs on another machine, or in a container whose processes can't be seen from here: run the exporter beside it; until then there is only what INFO tells"
	case NotFoundHidden:
		return "the server's process can't be seen: let the exporter share its PID namespace (Docker: --pid=container:NAME, Kubernetes: shareProcessNamespace) and mind hidepid on /proc"
	case NotFoundAmbiguous:
		return "several processes may be the server's: run the exporter as the server's user, so that it can see whose connection it talks to"
	}
	return "a process has the server's pid, but nothing proves that it is the server: connect without a proxy in between, or run the exporter as the server's user"
}

// How far a process's age may be from INFO's uptime, which is in whole seconds
// and begins when the server has read its configuration. A process may be older
// (a slow start, an exec from a shell), hardly younger.
const (
	youngerBy = 5 * time.Second
	olderBy   = 2 * time.Minute
)

// FindServer returns the pid, as seen from here, of the process that is the server q
// describes. It has to be proved, in order of strength by being
//
//  1. the process that listens on the unix socket;
//  2. the process that holds the server's end of our TCP connection;
//  3. where descriptors can't be read (another user's process): the process
//     whose network namespace has the server's end of our connection, which
//     belongs to its user, and whose name and age are the server's;
//  4. where that end can't be found (address translation, a proxy) and the
//     address is this machine's: the process that listens on the server's port,
//     with the server's name and age.
//
// In all cases the process has INFO's process_id as its pid in its own namespace and
// the name of a server, and it is the only one that passes. The name matters for the
// first two too: a proxy in a container of its own is pid 1 there, as the server is
// in its own. The error is a *NotFound where all could be read and nothing was
// proved. Walking through /proc costs some milliseconds on a machine with many
// processes.
func (fs FS) FindServer(q Query) (int, error) {
	if q.ProcessID == 0 {
		return 0, &NotFound{NotFoundUnproved}
	}
	candidates, err := fs.candidates(q.ProcessID)
	if err != nil {
		return 0, err
	}
	if q.Listener != 0 || !q.Remote.IsValid() {
		return fs.findByCredentials(q, candidates)
	}
	var proved, likely []int
	local := q.isLocal()
	for _, pid := range candidates {
		switch fs.examine(pid, q, local) {
		case certain:
			proved = append(proved, pid)
		case plausible:
			likely = append(likely, pid)
		case excluded:
		}
	}
	if len(proved) > 0 {
		likely = proved
	}
	switch {
	case len(likely) == 1:
		return likely[0], nil
	case len(likely) > 1:
		return 0, &NotFound{NotFoundAmbiguous}
	case !local:
		return 0, &NotFound{NotFoundRemote}
	case len(candidates) == 0:
		return 0, &NotFound{NotFoundHidden}
	}
	return 0, &NotFound{NotFoundUnproved}
}

// findByCredentials returns the process that the kernel names as the listener on the
// socket, if it is one of candidates and q describes it. A proxy is not: it has
// another pid than the server it talks to.
func (fs FS) findByCredentials(q Query, candidates []int) (int, error) {
	switch {
	case slices.Contains(candidates, q.Listener) && fs.isServer(q.Listener, q):
		return q.Listener, nil
	case q.Listener == 0 || len(candidates) == 0:
		return 0, &NotFound{NotFoundHidden}
	}
	return 0, &NotFound{NotFoundUnproved}
}

// candidates returns the processes whose pid in their own namespace is nspid, in
// ascending order.
func (fs FS) candidates(nspid int) ([]int, error) {
	dir, err := os.Open(fs.proc)
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var out []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		b, err := fs.read(pid, "status")
		if err != nil {
			continue // gone meanwhile
		}
		s, err := ParseStatus(b)
		if err == nil && s.NSPID.Or(pid) == nspid {
			out = append(out, pid)
		}
	}
	slices.Sort(out)
	return out, nil
}

// verdict is how sure it is that a candidate is the server.
type verdict int

const (
	excluded verdict = iota
	plausible
	certain
)

// examine returns how sure it is that the process pid is the server that q describes,
// to which we talk by TCP. local says that the connection ends on this machine.
func (fs FS) examine(pid int, q Query, local bool) verdict {
	sockets, err := fs.sockets(pid)
	if err != nil {
		return excluded
	}
	held, err := fs.heldSockets(pid)
	readable := err == nil
	var end opt.Val[socket]
	var listeners []socket
	ours, theirs := asInTable(q.Local), asInTable(q.Remote)
	for _, s := range sockets {
		switch {
		case s.local == theirs && s.remote == ours:
			end = opt.Of(s)
		case s.listens && q.TCPPort != 0 && int(s.local.Port()) == q.TCPPort:
			listeners = append(listeners, s)
		}
	}
	if s, ok := end.Get(); ok {
		switch {
		case readable && held[s.inode] && fs.isServer(pid, q):
			return certain
		case readable && held[s.inode]:
			return excluded // a proxy, in a namespace of its own
		case readable:
			return fs.byListener(pid, q, listeners, held) // the end is a proxy's
		case fs.ownedBy(pid, s.uid) && fs.looksLike(pid, q):
			return plausible
		}
		return excluded
	}
	if !local {
		// Name, age, port and a pid of 1 are what servers of one roll-out have in
		// common, here and on the machine that really answers.
		return excluded
	}
	if !readable {
		held = nil
	}
	return fs.byListener(pid, q, listeners, held)
}

// asInTable returns a in the form that a socket's line has: no zone, and no IPv4
// address mapped into IPv6.
func asInTable(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// byListener returns how sure it is, by the port it listens on, that the process pid
// is the server that q describes. listeners are the sockets that listen on that port,
// held the inodes of the process's own sockets; a nil held says that they could not
// be read.
func (fs FS) byListener(pid int, q Query, listeners []socket, held map[uint64]bool) verdict {
	listens := slices.ContainsFunc(listeners, func(s socket) bool {
		if held != nil {
			return held[s.inode]
		}
		return fs.ownedBy(pid, s.uid)
	})
	if listens && fs.looksLike(pid, q) {
		return plausible
	}
	return excluded
}

// heldSockets returns the inodes of the sockets of the process pid. It needs the
// right to trace.
func (fs FS) heldSockets(pid int) (map[uint64]bool, error) {
	dir := fs.path(pid, "fd")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, Classify(dir, err)
	}
	held := make(map[uint64]bool, len(entries))
	for _, e := range entries {
		link, err := os.Readlink(path.Join(dir, e.Name()))
		switch {
		case errors.Is(err, os.ErrPermission):
			return nil, Classify(dir, err)
		case err != nil:
			continue // closed meanwhile
		}
		if digits, ok := strings.CutPrefix(link, "socket:["); ok {
			if inode, _, ok := number([]byte(digits)); ok {
				held[inode] = true
			}
		}
	}
	return held, nil
}

// ownedBy reports whether the process pid runs as the user uid.
func (fs FS) ownedBy(pid, uid int) bool {
	b, err := fs.read(pid, "status")
	if err != nil {
		return false
	}
	s, err := ParseStatus(b)
	return err == nil && s.UID == uid
}

// looksLike reports whether the process pid has the name and the age of the server
// that q describes.
func (fs FS) looksLike(pid int, q Query) bool {
	b, err := fs.read(pid, "stat")
	if err != nil {
		return false
	}
	var s Stat
	if err := ParseStat(b, &s); err != nil || !named(s.Name(), q.Executable) {
		return false
	}
	uptime, known := q.Uptime.Get()
	old, err := age(s.Start)
	return known && err == nil && old > uptime-youngerBy && old < uptime+olderBy
}

// isServer reports whether the process pid has the name of the program that q names,
// or of any server's program. A server that was called by another name (exec -a)
// reports that one in INFO, and has its own here.
func (fs FS) isServer(pid int, q Query) bool {
	b, err := fs.read(pid, "stat")
	if err != nil {
		return false
	}
	var s Stat
	return ParseStat(b, &s) == nil && (named(s.Name(), q.Executable) || named(s.Name(), ""))
}

// named reports whether comm, a process's name, is that of the program executable; of
// any server's program where that is not known.
func named(comm, executable string) bool {
	if executable != "" {
		base := path.Base(executable)
		return comm == base[:min(len(base), commLength)]
	}
	return slices.Contains([]string{"redis-server", "valkey-server", "keydb-server", "dragonfly"}, comm)
}

// isLocal reports whether the connection ends on this machine, as far as our own network
// namespace tells.
func (q Query) isLocal() bool {
	remote := q.Remote.Addr().Unmap()
	return remote.IsLoopback() || remote == q.Local.Addr().Unmap()
}
