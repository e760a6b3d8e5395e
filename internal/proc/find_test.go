package proc

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// fakeProcess is a process of a fake procfs.
type fakeProcess struct {
	nspid, uid int
	comm       string
	age        time.Duration
	tcp, tcp6  []socket // of its network namespace
	held       []uint64 // sockets; nil says that its descriptors can't be read
}

func fakeProc(t *testing.T, processes map[int]fakeProcess) FS {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "self", "stat"), ownStat(t))
	write(t, filepath.Join(dir, "uptime"), "1 1\n") // procfs has more than processes
	fs, err := NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	for pid, p := range processes {
		write(t, fs.path(pid, "status"), fmt.Sprintf("Name:\t%s\nUid:\t0\t%d\t0\t0\nGid:\t0\t0\t0\t0\nNSpid:\t%d\t%d\n", p.comm, p.uid, pid, p.nspid))
		start := (sinceBoot() - p.age) / (time.Second / TicksPerSecond)
		write(t, fs.path(pid, "stat"), fmt.Sprintf("%d (%s) S 1%s %d%s\n", pid, p.comm, strings.Repeat(" 0", 17), start, strings.Repeat(" 0", 30)))
		for file, sockets := range map[string][]socket{"net/tcp": p.tcp, "net/tcp6": p.tcp6} {
			text := tcpHeadings
			for _, s := range sockets {
				text += tcpLine(s)
			}
			write(t, fs.path(pid, file), text)
		}
		if p.held == nil {
			write(t, fs.path(pid, "fd"), "no directory: reading it fails for root too")
			continue
		}
		write(t, fs.path(pid, "fd/0"), "") // no link
		for i, inode := range p.held {
			if err := os.Symlink(fmt.Sprintf("socket:[%d]", inode), fs.path(pid, fmt.Sprintf("fd/%d", i+3))); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("/dev/null", fs.path(pid, "fd/1")); err != nil {
			t.Fatal(err)
		}
	}
	return fs
}

const (
	inodeEnd      = 501 // the server's end of our connection
	inodeListener = 502
	uidServer     = 999
	uptime        = time.Hour
)

var (
	us, server = addr("127.0.0.1:40000"), addr("127.0.0.1:6379")
	ourEnd     = socket{local: us, remote: server, inode: 500}
	theirEnd   = socket{local: server, remote: us, uid: uidServer, inode: inodeEnd}
	listener   = socket{local: addr("0.0.0.0:6379"), remote: addr("0.0.0.0:0"), listens: true, uid: uidServer, inode: inodeListener}
)

// aServer is the server in the first place, pid 100, of which all can be read.
func aServer() fakeProcess {
	return fakeProcess{
		nspid: 1, uid: uidServer, comm: "redis-server", age: uptime + 300*time.Millisecond,
		tcp: []socket{ourEnd, theirEnd, listener}, held: []uint64{inodeEnd, inodeListener},
	}
}

func aQuery() Query {
	return Query{Local: us, Remote: server, ProcessID: 1, TCPPort: 6379, Executable: "/usr/bin/redis-server", Uptime: opt.Of(uptime)}
}

func TestFindServer(t *testing.T) {
	type machine = map[int]fakeProcess
	server := func(change func(p *fakeProcess)) fakeProcess {
		p := aServer()
		change(&p)
		return p
	}
	query := func(change func(q *Query)) Query {
		q := aQuery()
		change(&q)
		return q
	}
	unreadable := func(p *fakeProcess) { p.held = nil }
	elsewhere := server(func(p *fakeProcess) { p.tcp, p.held = []socket{listener}, []uint64{inodeListener} })
	natted := []socket{listener} // the server's end has another address than ours says
	proxyEnd := theirEnd
	proxyEnd.uid, proxyEnd.inode = 33, 601
	proxy := fakeProcess{nspid: 7, uid: 33, comm: "haproxy", age: uptime, tcp: []socket{proxyEnd, listener}, held: []uint64{601}}
	behindProxy := server(func(p *fakeProcess) { p.tcp, p.held = []socket{proxyEnd, listener}, []uint64{inodeListener} })
	onUnix := func(pid int) Query {
		return Query{Listener: pid, ProcessID: 1, Executable: "/usr/bin/redis-server", Uptime: opt.Of(uptime)}
	}

	tests := map[string]struct {
		machine machine
		query   Query
		want    int    // pid
		reason  string // where there is none
	}{
		"unix: who listens":                      {machine{100: aServer(), 101: elsewhere}, onUnix(100), 100, ""},
		"unix: another's connection":             {machine{100: aServer()}, onUnix(101), 0, NotFoundUnproved},
		"unix: a proxy in another container":     {machine{100: aServer(), 101: {nspid: 1, comm: "socat", held: []uint64{}}}, onUnix(101), 0, NotFoundUnproved},
		"unix: nobody to be seen":                {machine{5: {nspid: 5, comm: "init"}}, onUnix(100), 0, NotFoundHidden},
		"unix: no credentials":                   {machine{100: aServer()}, onUnix(0), 0, NotFoundHidden},
		"no pid in INFO":                         {machine{100: aServer()}, query(func(q *Query) { q.ProcessID = 0 }), 0, NotFoundUnproved},
		"held":                                   {machine{100: aServer()}, aQuery(), 100, ""},
		"held, whatever the age and the port":    {machine{100: server(func(p *fakeProcess) { p.age = 0 })}, query(func(q *Query) { q.TCPPort = 0; q.Uptime = opt.Val[time.Duration]{} }), 100, ""},
		"held, called by another name":           {machine{100: aServer()}, query(func(q *Query) { q.Executable = "/data/cache" }), 100, ""},
		"held, and one of the same pid":          {machine{99: elsewhere, 100: aServer(), 101: elsewhere}, aQuery(), 100, ""},
		"held, and another namespace's the same": {machine{99: server(unreadable), 100: aServer()}, aQuery(), 100, ""},
		"held by one of another pid":             {machine{100: server(func(p *fakeProcess) { p.nspid = 2 })}, aQuery(), 0, NotFoundHidden},

		"unreadable":                      {machine{100: server(unreadable)}, aQuery(), 100, ""},
		"unreadable, no port needed":      {machine{100: server(unreadable)}, query(func(q *Query) { q.TCPPort = 0 }), 100, ""},
		"unreadable, another's user":      {machine{100: server(func(p *fakeProcess) { p.held = nil; p.uid = 998 })}, aQuery(), 0, NotFoundUnproved},
		"unreadable, another name":        {machine{100: server(func(p *fakeProcess) { p.held = nil; p.comm = "valkey-server" })}, aQuery(), 0, NotFoundUnproved},
		"unreadable, too young":           {machine{100: server(func(p *fakeProcess) { p.held = nil; p.age = uptime - 10*time.Second })}, aQuery(), 0, NotFoundUnproved},
		"unreadable, too old":             {machine{100: server(func(p *fakeProcess) { p.held = nil; p.age = uptime + 3*time.Minute })}, aQuery(), 0, NotFoundUnproved},
		"unreadable, a slow start":        {machine{100: server(func(p *fakeProcess) { p.held = nil; p.age = uptime + time.Minute })}, aQuery(), 100, ""},
		"unreadable, no uptime":           {machine{100: server(unreadable)}, query(func(q *Query) { q.Uptime = opt.Val[time.Duration]{} }), 0, NotFoundUnproved},
		"unreadable, no executable":       {machine{100: server(func(p *fakeProcess) { p.held = nil; p.comm = "keydb-server" })}, query(func(q *Query) { q.Executable = "" }), 100, ""},
		"unreadable, nameless stranger":   {machine{100: server(func(p *fakeProcess) { p.held = nil; p.comm = "memcached" })}, query(func(q *Query) { q.Executable = "" }), 0, NotFoundUnproved},
		"unreadable, a long name":         {machine{100: server(func(p *fakeProcess) { p.held = nil; p.comm = "redis-server-7." })}, query(func(q *Query) { q.Executable = "/opt/redis-server-7.4.1" }), 100, ""},
		"unreadable, two of them":         {machine{100: server(unreadable), 101: server(unreadable)}, aQuery(), 0, NotFoundAmbiguous},
		"unreadable, a proxy of its user": {machine{100: server(func(p *fakeProcess) { p.held = nil; p.uid = 33; p.tcp = []socket{proxyEnd} })}, aQuery(), 100, ""},

		"a proxy beside it":                     {machine{50: proxy, 100: behindProxy}, aQuery(), 100, ""},
		"a proxy beside it, unreadable":         {machine{50: proxy, 100: server(func(p *fakeProcess) { p.held = nil; p.tcp = behindProxy.tcp })}, aQuery(), 0, NotFoundUnproved},
		"a proxy beside it, another port":       {machine{50: proxy, 100: behindProxy}, query(func(q *Query) { q.TCPPort = 6380 }), 0, NotFoundUnproved},
		"a proxy of the same pid in its own ns": {machine{50: func() fakeProcess { p := proxy; p.nspid = 1; return p }(), 100: elsewhere}, aQuery(), 100, ""},
		"only such a proxy":                     {machine{50: func() fakeProcess { p := proxy; p.nspid = 1; p.held = []uint64{601, inodeListener}; return p }()}, aQuery(), 0, NotFoundUnproved},

		"translated":                      {machine{100: server(func(p *fakeProcess) { p.tcp = natted })}, aQuery(), 100, ""},
		"translated, unreadable":          {machine{100: server(func(p *fakeProcess) { p.tcp = natted; p.held = nil })}, aQuery(), 100, ""},
		"translated, unreadable, not its": {machine{100: server(func(p *fakeProcess) { p.tcp = natted; p.held = nil; p.uid = 998 })}, aQuery(), 0, NotFoundUnproved},
		"translated, does not listen":     {machine{100: server(func(p *fakeProcess) { p.tcp = natted; p.held = []uint64{7} })}, aQuery(), 0, NotFoundUnproved},
		"translated, another port":        {machine{100: server(func(p *fakeProcess) { p.tcp = natted })}, query(func(q *Query) { q.TCPPort = 6380 }), 0, NotFoundUnproved},
		"translated, no port":             {machine{100: server(func(p *fakeProcess) { p.tcp = natted })}, query(func(q *Query) { q.TCPPort = 0 }), 0, NotFoundUnproved},
		"translated, wrong age":           {machine{100: server(func(p *fakeProcess) { p.tcp = natted; p.age = time.Minute })}, aQuery(), 0, NotFoundUnproved},
		"translated, two of them":         {machine{100: elsewhere, 101: elsewhere}, aQuery(), 0, NotFoundAmbiguous},
		"translated, two listeners, its is last": {machine{100: server(func(p *fakeProcess) {
			other := listener
			other.uid, other.local = 998, addr("10.0.0.1:6379")
			p.tcp, p.held = []socket{other, listener, other}, nil
		})}, aQuery(), 100, ""},
		"remote": {machine{5: {nspid: 5, comm: "init"}}, query(func(q *Query) { q.Local, q.Remote = addr("10.0.0.1:40000"), addr("10.0.0.2:6379") }), 0, NotFoundRemote},
		"remote, and something of that pid here": {
			machine{1: {nspid: 1, comm: "init", age: uptime, tcp: []socket{listener}, held: []uint64{inodeListener}}},
			query(func(q *Query) { q.Local, q.Remote = addr("10.0.0.1:40000"), addr("10.0.0.2:6379") }), 0, NotFoundRemote,
		},
		"remote, one of the same roll-out here": {
			machine{100: elsewhere},
			query(func(q *Query) { q.Local, q.Remote = addr("10.0.0.1:40000"), addr("10.0.0.2:6379") }), 0, NotFoundRemote,
		},
		"in another namespace here, by its address": {machine{100: server(func(p *fakeProcess) {
			p.tcp, p.held = []socket{{local: addr("172.17.0.2:6379"), remote: addr("172.17.0.1:40000"), uid: uidServer, inode: inodeEnd}, listener}, []uint64{inodeEnd}
		})}, query(func(q *Query) { q.Local, q.Remote = addr("172.17.0.1:40000"), addr("172.17.0.2:6379") }), 100, ""},
		"hidden":                 {machine{5: {nspid: 5, comm: "init"}}, aQuery(), 0, NotFoundHidden},
		"hidden, by our address": {machine{5: {nspid: 5, comm: "init"}}, query(func(q *Query) { q.Local, q.Remote = addr("10.0.0.1:40000"), addr("10.0.0.1:6379") }), 0, NotFoundHidden},
		"garbage in net/tcp": {machine{100: server(func(p *fakeProcess) {
			p.comm = "redis-server"
			p.tcp = []socket{{local: addr("[::1]:1"), remote: addr("1.2.3.4:5"), uid: -1}}
		})}, aQuery(), 0, NotFoundUnproved},
	}

	// Over IPv6, by the names that both sides have for it.
	for name, ends := range map[string][2]string{
		"IPv6":          {"[2001:db8::5]:40000", "[2001:db8::6]:6379"},
		"IPv6 loopback": {"[::1]:40000", "[::1]:6379"},
		"IPv6 mapped":   {"[::ffff:10.0.0.1]:40000", "[::ffff:10.0.0.1]:6379"},
	} {
		p := aServer()
		p.tcp = nil
		p.tcp6 = []socket{{local: addr(ends[1]), remote: addr(ends[0]), uid: uidServer, inode: inodeEnd}}
		tests[name] = struct {
			machine machine
			query   Query
			want    int
			reason  string
		}{machine{100: p, 101: elsewhere}, query(func(q *Query) { q.Local, q.Remote = addr(ends[0]), addr(ends[1]) }), 100, ""}
	}
	zone := tests["IPv6"]
	zone.query.Local, zone.query.Remote = addr("[fe80::5%eth0]:40000"), addr("[fe80::6%eth0]:6379")
	p := aServer()
	p.tcp, p.tcp6 = nil, []socket{{local: addr("[fe80::6]:6379"), remote: addr("[fe80::5]:40000"), inode: inodeEnd}}
	zone.machine = machine{100: p, 101: elsewhere}
	tests["IPv6 with a zone"] = zone
	mapped := tests["IPv6 mapped"]
	mapped.query.Local, mapped.query.Remote = addr("10.0.0.1:40000"), addr("10.0.0.1:6379")
	tests["IPv4, and the server's socket is IPv6"] = mapped

	for _, name := range slices.Sorted(maps.Keys(tests)) {
		test := tests[name]
		t.Run(name, func(t *testing.T) {
			got, err := fakeProc(t, test.machine).FindServer(test.query)
			if got != test.want || reason(err) != test.reason {
				t.Errorf("pid %d, %v; want %d %s", got, err, test.want, test.reason)
			}
		})
	}
}

// reason is that of a NotFound, "" without an error, else the error's text.
func reason(err error) string {
	var missing *NotFound
	switch {
	case err == nil:
		return ""
	case errors.As(err, &missing):
		return missing.Reason
	}
	return err.Error()
}

func TestFindServerOldKernel(t *testing.T) {
	fs := fakeProc(t, map[int]fakeProcess{100: aServer()})
	// No NSpid before Linux 4.1, no tcp6 without IPv6.
	write(t, fs.path(100, "status"), fmt.Sprintf("Uid:\t0\t%d\t0\t0\nGid:\t0\t0\t0\t0\n", uidServer))
	if err := os.Remove(fs.path(100, "net/tcp6")); err != nil {
		t.Fatal(err)
	}
	q := aQuery()
	q.ProcessID = 100
	if pid, err := fs.FindServer(q); pid != 100 || err != nil {
		t.Errorf("pid %d, %v", pid, err)
	}
}

func TestFindServerWithoutProcfs(t *testing.T) {
	fs := FS{proc: filepath.Join(t.TempDir(), "none")}
	if pid, err := fs.FindServer(aQuery()); err == nil || reason(err) == NotFoundHidden {
		t.Errorf("pid %d, error %v; want the failed read", pid, err)
	}
}

func TestNotFoundSaysWhatToDo(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range []string{NotFoundRemote, NotFoundHidden, NotFoundUnproved, NotFoundAmbiguous} {
		text := (&NotFound{r}).Error()
		if seen[text] || !strings.Contains(text, "exporter") {
			t.Errorf("%s: %q", r, text)
		}
		seen[text] = true
	}
}
