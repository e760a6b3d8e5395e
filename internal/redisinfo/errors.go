package redisinfo

import "errors"

// Reasons of an Error; the values of a metric's label.
const (
	ReasonUnreachable = "unreachable" // no such host, connection refused, or closed by the server
	ReasonTimeout     = "timeout"     // no connection or no answer in time
	ReasonAuth        = "auth"        // password missing or wrong, or the user may not
	ReasonTLS         = "tls"         // handshake failed, or TLS on one side only
	ReasonBusy        = "busy"        // an error reply that will pass: BUSY, LOADING, …
	ReasonProtocol    = "protocol"    // an answer that is none
)

// Error is a failed question to a server. Its text is one sentence for a
// person, which says what to do; it has no password in it, and nothing that a
// server sent but an error's code.
type Error struct {
	Reason string // one of the Reason constants
	Hint   string // the sentence
	Err    error  // the cause
}

func (e *Error) Error() string { return e.Hint }

func (e *Error) Unwrap() error { return e.Err }

// ErrMayNotAsk reports that the server refuses a question to this user.
var ErrMayNotAsk = errors.New("the user may not ask this")

// ReplyError is an error reply, without its text: some servers repeat a
// command's arguments there, and so the password of an AUTH that they don't know.
type ReplyError struct {
	Code string // first word, such as NOPERM
}

func (e *ReplyError) Error() string { return "error reply " + e.Code }

// The following tell at which step an error occurred. They wrap as a list of one,
// which errors.Is and errors.As look into but errors.Unwrap does not: go-redis
// takes one layer off the errors of a connection that it is making (9.23).
type (
	passwordError struct{ err error } // Options.Password failed
	dialError     struct{ err error }
	tlsError      struct{ err error } // the handshake failed
	ioError       struct {
		err  error
		head []byte // first bytes that the server sent on this connection
	}
)

func (e *passwordError) Error() string   { return e.err.Error() }
func (e *passwordError) Unwrap() []error { return []error{e.err} }
func (e *dialError) Error() string       { return e.err.Error() }
func (e *dialError) Unwrap() []error     { return []error{e.err} }
func (e *tlsError) Error() string        { return e.err.Error() }
func (e *tlsError) Unwrap() []error      { return []error{e.err} }
func (e *ioError) Error() string         { return e.err.Error() }
func (e *ioError) Unwrap() []error       { return []error{e.err} }
