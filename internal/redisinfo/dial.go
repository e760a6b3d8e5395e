package redisinfo

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Peer is who is at the two ends of a connection. It serves to find the
// server's process, and to make sure that it is the right one.
type Peer struct {
	Local, Remote netip.AddrPort // of a TCP connection, else zero
	// PID is the process that listens on the unix socket, as of the moment it
	// began to listen and as seen from this process's PID namespace
	// (SO_PEERCRED); 0 when unknown, or when it lives in a namespace that is
	// not below this one.
	PID int
}

// dial returns a connection for go-redis. It never fails: an error is returned by the
// first write to the connection instead. A pool that sees a dial fail logs it to
// stderr, answers all calls from memory from then on, and dials once a second in the
// background until one succeeds (go-redis 9.23): the server would be reported as down
// for up to a second after it is back, and be bothered at a rate that nobody asked
// for.
func (c *Client) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return &brokenConn{err: err}, nil
	}
	return conn, nil
}

// connect returns a new connection, after the TLS handshake where there is one, and
// notes it as the one in use.
func (c *Client) connect(ctx context.Context) (*serverConn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.DialTimeout)
	defer cancel()
	// go-redis dials in a goroutine of its own, with a context of its own:
	// Close must end a dial too.
	defer context.AfterFunc(c.closing, cancel)()

	var d net.Dialer
	raw, err := d.DialContext(ctx, c.opt.Network, c.opt.Addr)
	if err != nil {
		return nil, &dialError{err}
	}
	conn := &serverConn{Conn: raw, peer: peerOf(raw), onClose: c.forget}
	if c.opt.TLS != nil {
		t := tls.Client(raw, c.tlsConfig())
		if err := t.HandshakeContext(ctx); err != nil {
			_ = raw.Close() // the handshake's error is the news
			return nil, &tlsError{err}
		}
		conn.Conn = t
	}
	c.mu.Lock()
	c.conn = conn
	c.mu.Unlock()
	return conn, nil
}

// tlsConfig returns the configuration of TLS with the name to verify filled in, as
// tls.Dial does.
func (c *Client) tlsConfig() *tls.Config {
	cfg := c.opt.TLS
	if cfg.ServerName != "" || cfg.InsecureSkipVerify {
		return cfg
	}
	host, _, err := net.SplitHostPort(c.opt.Addr)
	if err != nil {
		return cfg
	}
	cfg = cfg.Clone()
	cfg.ServerName = host
	return cfg
}

// peerOf returns who is at the two ends of conn.
func peerOf(conn net.Conn) Peer {
	switch conn := conn.(type) {
	case *net.TCPConn:
		return Peer{Local: addrPort(conn.LocalAddr()), Remote: addrPort(conn.RemoteAddr())}
	case *net.UnixConn:
		raw, err := conn.SyscallConn()
		if err != nil {
			return Peer{}
		}
		var pid int
		err = raw.Control(func(fd uintptr) {
			if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
				pid = int(cred.Pid)
			}
		})
		if err != nil {
			return Peer{}
		}
		return Peer{PID: pid}
	}
	return Peer{}
}

// addrPort returns the TCP address a without IPv4 mapped into IPv6; zero for an
// address of another kind.
func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		p := t.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}

// serverConn is a connection to the server. It has no SyscallConn, so that the pool
// takes it for healthy; whether it still is, shows when it is used.
type serverConn struct {
	net.Conn

	peer    Peer
	guard   guard
	served  bool // has answered a question; guarded by Client.mu
	once    sync.Once
	onClose func(*serverConn)
}

func (c *serverConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if guardErr := c.guard.check(b[:n]); guardErr != nil {
		return 0, guardErr
	}
	if err != nil {
		return n, &ioError{err: err, head: c.guard.head}
	}
	return n, nil
}

func (c *serverConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil {
		return n, &ioError{err: err, head: c.guard.head}
	}
	return n, nil
}

func (c *serverConn) Close() error {
	c.once.Do(func() { c.onClose(c) })
	return c.Conn.Close()
}

// brokenConn stands for a connection that could not be made.
type brokenConn struct{ err error }

func (c *brokenConn) Read([]byte) (int, error)         { return 0, c.err }
func (c *brokenConn) Write([]byte) (int, error)        { return 0, c.err }
func (c *brokenConn) Close() error                     { return nil }
func (c *brokenConn) LocalAddr() net.Addr              { return noAddr{} }
func (c *brokenConn) RemoteAddr() net.Addr             { return noAddr{} }
func (c *brokenConn) SetDeadline(time.Time) error      { return nil }
func (c *brokenConn) SetReadDeadline(time.Time) error  { return nil }
func (c *brokenConn) SetWriteDeadline(time.Time) error { return nil }

type noAddr struct{}

func (noAddr) Network() string { return "none" }
func (noAddr) String() string  { return "not connected" }
