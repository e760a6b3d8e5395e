package redisinfo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

const (
	defaultDialTimeout = 5 * time.Second
	answerTimeout      = 5 * time.Second // where the caller's context has no deadline
)

// Options says how to reach a server.
type Options struct {
	Network  string // "tcp" or "unix"
	Addr     string // host:port, or the socket's path
	Username string // of an ACL user (since 6.0); empty is the user "default"
	// Password is called for each new connection, so that a file with a new
	// password is picked up. nil, or an empty answer, is no password.
	Password func() (string, error)
	TLS      *tls.Config // nil is plain; ServerName defaults to Addr's host
	// DialTimeout is for connecting, TLS handshake included; 0 is 5 s.
	DialTimeout time.Duration
}

// Client asks one server, over one connection that it makes when it is first
// needed and again whenever it was lost. Its methods may be called
// concurrently; calls then wait for each other. All of them keep to their
// context's deadline, or to 5 s where it has none.
//
// go-redis has one logger for the whole process, which no library may set. It
// is kept quiet here by giving it nothing to tell (see dial); a program that
// wants to be sure calls redis.SetLogger in its main.
type Client struct {
	opt Options
	rdb *redis.Client

	closing context.Context // done when Close is called
	cancel  context.CancelFunc

	mu   sync.Mutex  // guards conn, and its served
	conn *serverConn // in use; nil without one
}

// NewClient returns a Client of the server that o leads to. It does not connect yet.
// The caller has to call Close.
func NewClient(o Options) *Client { return newClient(o, asking) }

// newClient returns a Client that lets only the commands of may through.
func newClient(o Options, may allowed) *Client {
	if o.DialTimeout <= 0 {
		o.DialTimeout = defaultDialTimeout
	}
	c := &Client{opt: o}
	c.closing, c.cancel = context.WithCancel(context.Background())
	c.rdb = redis.NewClient(&redis.Options{
		Network:  o.Network,
		Addr:     o.Addr,
		Dialer:   c.dial,
		Protocol: 2,
		PoolSize: 1,
		// The caller polls: an attempt that failed is followed by the next poll.
		MaxRetries:    -1,
		DialerRetries: 1,
		DialTimeout:   o.DialTimeout,
		// The context's deadline counts and no other: see do.
		ContextTimeoutEnabled: true,
		ReadTimeout:           -1,
		WriteTimeout:          -1,
		// No CLIENT SETINFO, no CLIENT MAINT_NOTIFICATIONS: an ACL user with
		// +info +ping may not call them, and old servers don't know them.
		DisableIdentity:            true,
		MaintNotificationsConfig:   &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		CredentialsProviderContext: c.credentials,
	})
	c.rdb.AddHook(may)
	return c
}

// credentials returns the user and the password for a new connection.
func (c *Client) credentials(context.Context) (username, password string, err error) {
	if c.opt.Password == nil {
		return c.opt.Username, "", nil
	}
	password, err = c.opt.Password()
	if err != nil {
		return "", "", &passwordError{err}
	}
	return c.opt.Username, password, nil
}

// Info returns the server's reply to INFO. Plain INFO has all sections that Info has
// fields for: Modules and Errorstats belong to the default ones since they exist (6.0
// and 6.2).
//
// The error is an *Error, except when ctx was cancelled.
func (c *Client) Info(ctx context.Context) (Info, error) {
	var reply []byte
	err := c.do(ctx, "INFO", func(ctx context.Context) (err error) {
		reply, err = c.rdb.Info(ctx).Bytes()
		return err
	})
	if err != nil {
		return Info{}, err
	}
	i, err := Parse(reply)
	if err != nil {
		return Info{}, c.classify(ctx, "INFO", err)
	}
	return i, nil
}

// SavePoint returns the longest save point of CONFIG GET save. It is absent when
// there is none. Errors are those of Setting.
func (c *Client) SavePoint(ctx context.Context) (opt.Val[SavePoint], error) {
	points, err := c.Setting(ctx, "save")
	return ParseSavePoints(points.Or("")), err
}

// Setting returns the setting of the full name name, by CONFIG GET. It is absent
// where the server knows none of that name. ErrMayNotAsk reports that the user may
// not ask or that the command was renamed: CONFIG GET is a thing that a server may
// well refuse. Other errors are an *Error, except when ctx was cancelled.
func (c *Client) Setting(ctx context.Context, name string) (opt.Val[string], error) {
	var reply map[string]string
	err := c.do(ctx, "CONFIG GET", func(ctx context.Context) (err error) {
		reply, err = c.rdb.ConfigGet(ctx, name).Result()
		return err
	})
	var refused *ReplyError
	if errors.As(err, &refused) && (refused.Code == "NOPERM" || refused.Code == "ERR") {
		return opt.Val[string]{}, ErrMayNotAsk
	}
	if err != nil {
		return opt.Val[string]{}, err
	}
	value, known := reply[name]
	if !known {
		return opt.Val[string]{}, nil
	}
	return opt.Of(value), nil
}

// Peer returns the ends of the connection in use, or false without one. After
// a good Info it is the connection on which that came, unless it was lost since.
func (c *Client) Peer() (Peer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return Peer{}, false
	}
	return c.conn.peer, true
}

// Close ends calls that are under way and closes the connection. Calling it
// again does nothing.
func (c *Client) Close() error {
	c.cancel()
	if err := c.rdb.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return fmt.Errorf("close connection to %s: %w", c.opt.Addr, err)
	}
	return nil
}

// do calls call, which sends command, and returns what its error means. A connection
// that has served before may have been closed since (a restart, the server's timeout
// setting): that says nothing about the server of now, so there is one more try over
// a new connection.
func (c *Client) do(ctx context.Context, command string, call func(context.Context) error) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, answerTimeout)
		defer cancel()
	}
	reused := c.reused()
	err := c.interruptible(ctx, call)
	if reused && ended(err) && ctx.Err() == nil {
		err = c.interruptible(ctx, call)
	}
	if err != nil {
		return c.classify(ctx, command, err)
	}
	c.mu.Lock()
	if c.conn != nil {
		c.conn.served = true
	}
	c.mu.Unlock()
	return nil
}

// interruptible returns what call returns, and lets a cancelled ctx, or Close, end it
// at once: go-redis knows deadlines only.
func (c *Client) interruptible(ctx context.Context, call func(context.Context) error) error {
	defer context.AfterFunc(ctx, c.hangUp)()
	defer context.AfterFunc(c.closing, c.hangUp)()
	return call(ctx)
}

// hangUp closes the connection in use, and with it the call that waits for it.
func (c *Client) hangUp() {
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		_ = conn.Close() // go-redis closes it again and has no use for the error either
	}
}

// reused reports whether the next call goes over a connection that has served before.
func (c *Client) reused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn != nil && c.conn.served
}

// forget notes that conn is closed.
func (c *Client) forget(conn *serverConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == conn {
		c.conn = nil
	}
}
