package fleet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"unicode"
)

const defaultPort = "6379"

// Target is one server to watch.
type Target struct {
	Name         string // value of the label "server"
	Network      string // tcp or unix
	Addr         string // host:port or a socket's path
	TLS          bool
	User         string // ACL user of this server; empty: the common one
	PasswordFile string // of this server; empty: the common one
}

// Display returns the target's address as people write it. It holds no secret.
func (t Target) Display() string {
	switch {
	case t.Network == "unix":
		return "unix://" + t.Addr
	case t.TLS:
		return "rediss://" + t.Addr
	}
	return t.Addr
}

// ParseTarget returns the target that s says: [NAME=]ADDR, where ADDR is host,
// host:port, a path, unix:///path, redis://[user@]host[:port] or
// rediss://[user@]host[:port]. URLs take ?password_file=PATH for servers whose
// password differs from the common one.
func ParseTarget(s string) (Target, error) {
	name, addr := "", s
	before, after, named := strings.Cut(s, "=")
	if named = named && !strings.ContainsAny(before, "/:?@"); named {
		name, addr = before, after
	}
	t, err := parseAddr(addr)
	if named && name == "" {
		err = errors.New("the name before = is empty")
	}
	if err != nil {
		shown := redacted(addr)
		if named {
			shown = name + "=" + shown
		}
		return Target{}, fmt.Errorf("server %q: %w", shown, err)
	}
	t.Name = name
	if t.Name == "" {
		t.Name = t.Display()
	}
	return t, nil
}

// parseAddr returns the target at addr, without its name. Its errors repeat nothing
// of the address, parts of which may belong to a password: ParseTarget shows it, as
// far as it can be shown.
func parseAddr(addr string) (Target, error) {
	switch {
	case addr == "":
		return Target{}, errors.New("no address; give host:port, unix:///path or redis://host:port")
	case strings.HasPrefix(addr, "/"):
		return Target{Network: "unix", Addr: path.Clean(addr)}, nil
	case strings.Contains(addr, "://"):
		return parseURL(addr)
	}
	hostport, err := withPort(addr)
	return Target{Network: "tcp", Addr: hostport}, err
}

func parseURL(addr string) (Target, error) {
	u, err := url.Parse(addr)
	if err != nil {
		return Target{}, errors.New("not a URL") // url.Error repeats the text, which may hold a password
	}
	if _, has := u.User.Password(); has {
		return Target{}, errors.New("a password on a command line is visible to every user of the machine: use REDIS_PASSWORD, --redis.password-file or ?password_file=PATH")
	}
	t := Target{User: u.User.Username(), PasswordFile: u.Query().Get("password_file")}
	for key := range u.Query() {
		if key != "password_file" {
			return Target{}, errors.New("unknown parameter; there is only password_file")
		}
	}
	switch u.Scheme {
	case "unix":
		if u.Host != "" || u.Path == "" {
			return Target{}, errors.New("a socket's URL has three slashes: unix:///path/to/redis.sock")
		}
		t.Network, t.Addr = "unix", path.Clean(u.Path)
		return t, nil
	case "redis", "rediss":
		if p := strings.Trim(u.Path, "/"); p != "" && p != "0" {
			return Target{}, errors.New("what follows host:port makes no difference to forks, a database neither: leave it out")
		}
		t.Network, t.TLS = "tcp", u.Scheme == "rediss"
		t.Addr, err = withPort(u.Host)
		return t, err
	}
	return Target{}, errors.New("unknown scheme; there are redis, rediss and unix")
}

func withPort(hostport string) (string, error) {
	if strings.Contains(hostport, "@") {
		return "", errors.New("a user belongs into a URL, redis://user@host:port, and a password into REDIS_PASSWORD or --redis.password-file")
	}
	host, port, err := net.SplitHostPort(hostport)
	if err != nil { // no port, or an IPv6 address without brackets
		host, port = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]"), ""
		if _, err := netip.ParseAddr(host); strings.Contains(host, ":") && err != nil {
			return "", errors.New("too many colons; an IPv6 address stands in brackets, as in [::1]:6379")
		}
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = defaultPort
	}
	// Names are not checked further: what resolves depends on the machine.
	if strings.ContainsFunc(host, func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(" /?#[]=", r) }) {
		return "", errors.New("the host is no host name")
	}
	if n, err := net.LookupPort("tcp", port); err != nil || n == 0 {
		return "", errors.New("the port is none: 1 to 65535")
	}
	return net.JoinHostPort(host, port), nil
}

// redacted returns addr, which is to be shown, without what may be a password: a
// URL's user and query, and all of what can't be told apart.
func redacted(addr string) string {
	shown, rest := "", addr
	for _, scheme := range []string{"redis://", "rediss://", "unix://"} {
		if after, ok := strings.CutPrefix(addr, scheme); ok {
			shown, rest = scheme, after
		}
	}
	at, query := strings.LastIndex(rest, "@"), strings.IndexAny(rest, "?#")
	switch {
	case at >= 0 && query >= 0 && query < at: // which of the two the @ belongs to is anybody's guess
		return shown + "…"
	case at >= 0:
		shown, rest = shown+"…", rest[at:]
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i+1] + "…"
	}
	return shown + rest
}

// distinct returns an error if two of targets have one name: they would be one
// series.
func distinct(targets []Target) error {
	seen := map[string]bool{}
	for _, t := range targets {
		if seen[t.Name] {
			return fmt.Errorf("two servers are named %q: give them names with --server=NAME=ADDR", t.Name)
		}
		seen[t.Name] = true
	}
	return nil
}
