package redisinfo

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// classify returns what err, the failure of command, means: an *Error, or the error
// of ctx when the caller gave up.
func (c *Client) classify(ctx context.Context, command string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("%s to %s: %w", command, c.opt.Addr, context.Canceled)
	}
	var password *passwordError
	var reply redis.Error
	var dial *dialError
	var handshake *tlsError
	switch {
	case errors.As(err, &password):
		return &Error{ReasonAuth, fmt.Sprintf("the password cannot be read: %v", password.err), err}
	case errors.As(err, &reply):
		return c.replied(command, reply.Error())
	case timedOut(ctx, err):
		return c.timeout(err)
	case errors.As(err, &handshake):
		return c.handshake(handshake.err)
	case errors.As(err, &dial):
		return c.unreachable(dial.err)
	}
	return c.broken(command, err)
}

// timedOut reports whether err means that there was no answer before the deadline of
// ctx, or before a shorter one.
func timedOut(ctx context.Context, err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(ctx.Err(), context.DeadlineExceeded) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		(errors.As(err, &t) && t.Timeout())
}

// ended reports whether err means that the connection was closed, from whichever
// side.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// alerted reports whether err is a TLS alert of the peer's. The type of alerts is
// crypto/tls' own; tls.AlertError is for QUIC.
func alerted(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// timeout returns the Error of a question that was not answered in time, by err.
func (c *Client) timeout(err error) error {
	var dial *dialError
	var handshake *tlsError
	hint := "no answer from " + c.opt.Addr + " in time: the server may be stopped or in a slow command"
	switch {
	case errors.As(err, &dial):
		hint = "no connection to " + c.opt.Addr + " in time: is a firewall in between?"
	case errors.As(err, &handshake):
		hint = "no answer to the TLS handshake from " + c.opt.Addr + " in time: is it a TLS port?"
	case c.opt.TLS == nil && c.silent(err):
		hint += ", or wait for a TLS handshake if this is its TLS port"
	}
	return &Error{ReasonTimeout, hint, err}
}

// silent reports whether the server had not said anything on the connection that
// failed with err.
func (c *Client) silent(err error) bool {
	var e *ioError
	return errors.As(err, &e) && len(e.head) == 0
}

// unreachable returns the Error of a connection that could not be made, by err.
func (c *Client) unreachable(err error) error {
	var dns *net.DNSError
	hint := fmt.Sprintf("cannot connect to %s: %v", c.opt.Addr, err)
	switch {
	case errors.As(err, &dns):
		hint = fmt.Sprintf("host name of %s cannot be resolved: is it right?", c.opt.Addr)
	case errors.Is(err, syscall.ECONNREFUSED):
		hint = fmt.Sprintf("connection refused: is the server running and is %s right?", c.opt.Addr)
	case errors.Is(err, syscall.ENOENT):
		hint = fmt.Sprintf("no such socket: is the server running and is %s its unixsocket?", c.opt.Addr)
	case errors.Is(err, syscall.EACCES) && c.opt.Network == "unix":
		hint = fmt.Sprintf("permission denied on socket %s: run the exporter as the server's user, or see its unixsocketperm", c.opt.Addr)
	}
	return &Error{ReasonUnreachable, hint, err}
}

// handshake returns the Error of a TLS handshake that failed with err.
func (c *Client) handshake(err error) error {
	var record tls.RecordHeaderError
	var verify *tls.CertificateVerificationError
	hint := fmt.Sprintf("TLS handshake with %s failed: %v", c.opt.Addr, err)
	switch {
	case errors.As(err, &record):
		hint = c.opt.Addr + " does not speak TLS: connect without TLS, or to the server's tls-port"
	case errors.As(err, &verify):
		hint = fmt.Sprintf("the certificate of %s is not trusted (%v): give its CA's certificate, or the name it was issued for", c.opt.Addr, verify.Err)
	case alerted(err):
		hint = fmt.Sprintf("%s refused the TLS handshake (%v): does it want a client certificate (tls-auth-clients)?", c.opt.Addr, err)
	case ended(err):
		hint = c.opt.Addr + " hung up during the TLS handshake: is it a TLS port?"
	}
	return &Error{ReasonTLS, hint, err}
}

// broken returns the Error of a connection that was made, and failed with err while
// command was asked.
func (c *Client) broken(command string, err error) error {
	var e *ioError
	switch {
	case alerted(err):
		return c.handshake(err) // TLS 1.3: the server's verdict on the client comes after the handshake
	case errors.Is(err, errTLSReply):
		return &Error{ReasonTLS, c.opt.Addr + " speaks TLS: connect with TLS, or to the server's plain port", err}
	case errors.Is(err, errTooLarge):
		return &Error{ReasonProtocol, "the answer from " + c.opt.Addr + " is too large: is it a Redis server?", err}
	case errors.Is(err, errNotRESP):
		return &Error{ReasonProtocol, "the answer from " + c.opt.Addr + " is not the Redis protocol: is it a Redis server's port?", err}
	case errors.Is(err, ErrNotInfo):
		return &Error{ReasonProtocol, "the answer from " + c.opt.Addr + " to INFO is no INFO reply: is it a Redis server?", err}
	case errors.As(err, &e) && ended(err):
		return c.hungUp(command, e)
	case errors.As(err, &e):
		return &Error{ReasonUnreachable, fmt.Sprintf("the connection to %s failed: %v", c.opt.Addr, e.err), err}
	case ended(err), errors.Is(err, redis.ErrClosed):
		return &Error{ReasonUnreachable, "the connection to " + c.opt.Addr + " was closed", err}
	}
	// go-redis' own words on what it cannot parse have the server's bytes in them.
	return &Error{ReasonProtocol, "the answer from " + c.opt.Addr + " to " + command + " makes no sense: is it a Redis server?", errNotRESP}
}

// hungUp returns the Error of a connection that the server closed while command was
// asked, by what it had said before (e). Servers that turn a client away answer the
// first command, HELLO, with an error, which go-redis takes for a server that does
// not know HELLO.
func (c *Client) hungUp(command string, e *ioError) error {
	head := e.head
	switch {
	case bytes.HasPrefix(head, []byte("-DENIED")), bytes.HasPrefix(head, []byte("-ERR max number of clients")):
		line, _, _ := bytes.Cut(head, []byte{'\r'})
		return c.replied(command, string(line[1:]))
	case len(head) == 0 && c.opt.TLS != nil: // TLS 1.3: a client without a certificate learns it after its own handshake, if at all
		return &Error{ReasonTLS, c.opt.Addr + " closed the connection after the TLS handshake: does it want a client certificate (tls-auth-clients)?", e}
	case len(head) == 0: // Redis' TLS port sends no alert to a plain client (7.0)
		return &Error{ReasonUnreachable, c.opt.Addr + " closed the connection without an answer: it may be a TLS port, or the server is going down", e}
	}
	return &Error{ReasonUnreachable, c.opt.Addr + " closed the connection in the middle of an answer: did the server stop?", e}
}

// replied returns the Error that text means, the server's error reply to command. Its
// code tells, where it has one of its own; errors under the general code ERR can be
// told apart by their text only.
func (c *Client) replied(command, text string) error {
	code, _, _ := strings.Cut(text, " ")
	code = token([]byte(code))
	user := c.opt.Username
	if user == "" {
		user = "default"
	}
	e := &Error{ReasonProtocol, fmt.Sprintf("%s answers %s with error %s", c.opt.Addr, command, code), &ReplyError{Code: code}}
	is := func(prefix string) bool { return strings.HasPrefix(text, prefix) }
	switch {
	case code == "NOAUTH":
		e.Reason, e.Hint = ReasonAuth, "the server wants a password: set REDIS_PASSWORD or --redis.password-file"
	case code == "WRONGPASS", is("ERR invalid password"): // the latter up to 5.0
		e.Reason, e.Hint = ReasonAuth, fmt.Sprintf("user name or password is wrong (user %s): check REDIS_PASSWORD or --redis.password-file", user)
	case is("ERR Client sent AUTH, but no password"), is("ERR AUTH <password> called without any password"):
		e.Reason, e.Hint = ReasonAuth, "the server has no password: remove REDIS_PASSWORD and --redis.password-file"
	case is("ERR wrong number of arguments for 'auth'"):
		e.Reason, e.Hint = ReasonAuth, "the server is older than 6.0 and knows no users: remove the user name"
	case code == "NOPERM" && command == "INFO":
		e.Reason, e.Hint = ReasonAuth, fmt.Sprintf("ACL user %s may not call INFO: ACL SETUSER %s +info +ping", user, user)
	case code == "NOPERM":
		e.Reason, e.Hint = ReasonAuth, fmt.Sprintf("ACL user %s may not call %s", user, command)
	case code == "DENIED":
		e.Reason, e.Hint = ReasonAuth, "the server is in protected mode and accepts connections from its own machine only: connect there, or set a password on the server"
	case code == "LOADING":
		e.Reason, e.Hint = ReasonBusy, "the server is loading its data: wait"
	case code == "BUSY":
		e.Reason, e.Hint = ReasonBusy, "the server is busy with a script or function: wait, or SCRIPT KILL or FUNCTION KILL"
	case code == "MASTERDOWN", code == "CLUSTERDOWN", code == "TRYAGAIN":
		e.Reason, e.Hint = ReasonBusy, "the server does not answer for now ("+code+"): wait, or see to its master or cluster"
	case is("ERR max number of clients"):
		e.Reason, e.Hint = ReasonBusy, "the server has no free connections: raise its maxclients, or find who holds them (CLIENT LIST)"
	case is("ERR unknown command"):
		e.Hint = fmt.Sprintf("the server does not know %s: was the command renamed, or is this no Redis server?", command)
	}
	return e
}
