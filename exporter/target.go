package exporter

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
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

// Display is the target's address as people write it. It holds no secret.
func (t Target) Display() string {
	switch {
	case t.Network == "unix":
		return "unix://" + t.Addr
	case t.TLS:
		return "rediss://" + t.Addr
	}
	return t.Addr
}

// ParseTarget reads [NAME=]ADDR, where ADDR is host, host:port, a path,
// unix:///path, redis://[user@]host[:port] or rediss://[user@]host[:port]. URLs
// take ?password_file=PATH for servers whose password differs from the common one.
func ParseTarget(s string) (Target, error) {
	name, addr := "", s
	if before, after, ok := strings.Cut(s, "="); ok && !strings.ContainsAny(before, "/:?") {
		name, addr = before, after
		if name == "" {
			return Target{}, fmt.Errorf("server %q: the name before = is empty", s)
		}
	}
	t, err := parseAddr(addr)
	if err != nil {
		return Target{}, fmt.Errorf("server %q: %w", redacted(s), err)
	}
	t.Name = name
	if t.Name == "" {
		t.Name = t.Display()
	}
	return t, nil
}

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
			return Target{}, fmt.Errorf("unknown parameter %q; there is only password_file", key)
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
			return Target{}, fmt.Errorf("a database (%q) makes no difference to forks; leave it out", p)
		}
		t.Network, t.TLS = "tcp", u.Scheme == "rediss"
		t.Addr, err = withPort(u.Host)
		return t, err
	}
	return Target{}, fmt.Errorf("unknown scheme %q; there are redis, rediss and unix", u.Scheme)
}

func withPort(hostport string) (string, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		host, port = strings.Trim(hostport, "[]"), defaultPort
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if strings.ContainsAny(host, " /@[]") {
		return "", fmt.Errorf("%q is no host", host)
	}
	if err == nil {
		if _, err := net.LookupPort("tcp", port); err != nil {
			return "", fmt.Errorf("%q is no port", port)
		}
	}
	return net.JoinHostPort(host, port), nil
}

// redacted takes what may be a password out of an address that is to be shown.
func redacted(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	at := strings.LastIndex(rest, "@")
	if at < 0 {
		return s
	}
	return scheme + "://…" + rest[at:]
}

// distinct checks that no two targets have one name: they would be one series.
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
