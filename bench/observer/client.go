package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	replyTimeout = 10 * time.Second
	longestSave  = 5 * time.Minute
)

// client sends SETs at fixed times, whatever the server does (an open loop): a
// latency counts from when its request was due, so that a server that stands
// still is charged for all that would have come meanwhile. One thread sends,
// another receives; neither allocates, and the garbage collector should be off.
//
// Requests are due in bursts, one a millisecond: waking up costs more than
// sending, and the client is not what is to be measured.
type client struct {
	fd    int
	paced pace
	start time.Time

	arrived []time.Duration // of the replies, since start
	total   atomic.Int64    // replies to wait for; 0 while it is not known
	stopped atomic.Bool
	sendErr error
	readErr error
	running sync.WaitGroup
}

// pace says when requests are due.
type pace struct {
	burst int
	every time.Duration // between two bursts
}

const burstEvery = time.Millisecond

func paceOf(rate int) pace {
	burst := max(1, int(time.Duration(rate)*burstEvery/time.Second))
	return pace{burst, time.Second * time.Duration(burst) / time.Duration(rate)}
}

// due is when request i is, after the start.
func (p pace) due(i int) time.Duration { return time.Duration(i/p.burst) * p.every }

// within is how many requests are due before d has passed.
func (p pace) within(d time.Duration) int { return int(d/p.every) * p.burst }

// latencies are those of the requests that were due in [from, to].
func (p pace) latencies(arrived []time.Duration, from, to time.Duration) []time.Duration {
	var l []time.Duration
	for i, at := range arrived {
		if due := p.due(i); due >= from && due <= to {
			l = append(l, at-due)
		}
	}
	return l
}

// load is what a client writes.
type load struct {
	rate      int // requests a second
	keys      int // overwrites keys 0 to keys-1 at random
	valueSize int // bytes
}

func startClient(addr string, l load) (*client, error) {
	fd, err := connect(addr)
	if err != nil {
		return nil, err
	}
	c := &client{fd: fd, paced: paceOf(l.rate)}
	c.arrived = make([]time.Duration, c.paced.within(longestSave)+1) // one for the PING at the end
	for i := range c.arrived {
		c.arrived[i] = -1 // which touches the memory now, and not in the middle
	}
	set := newSetCommand(l.valueSize)
	c.start = time.Now()
	onOwnThread(&c.running, func() { c.sendErr = c.send(set, l.keys) })
	onOwnThread(&c.running, func() { c.readErr = c.receive() })
	return c, nil
}

// connect returns a blocking socket; the net package's would wake the runtime's
// poller for each reply.
func connect(addr string) (fd int, err error) {
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		return 0, fmt.Errorf("address of the server: %w", err)
	}
	fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	timeout := syscall.NsecToTimeval(int64(replyTimeout))
	err = errors.Join(
		syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}),
		syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &timeout),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &timeout),
	)
	if err != nil {
		_ = syscall.Close(fd)
		return 0, fmt.Errorf("connect to %s: %w", addr, err)
	}
	return fd, nil
}

func (c *client) send(set *setCommand, keys int) error {
	requests := make([]byte, 0, c.paced.burst*len(set.wire))
	n := 0
	for n+c.paced.burst < len(c.arrived) && !c.stopped.Load() {
		requests = requests[:0]
		for range c.paced.burst {
			requests = append(requests, set.next(rand.IntN(keys))...)
		}
		for due := c.paced.due(n); ; {
			left := due - time.Since(c.start)
			if left <= 0 {
				break
			}
			nap(left)
		}
		if err := rawWrite(c.fd, requests); err != nil {
			_ = syscall.Shutdown(c.fd, syscall.SHUT_RDWR)
			return fmt.Errorf("send: %w", err)
		}
		n += c.paced.burst
	}
	// One more, so that the receiver comes back to see how many there were.
	c.total.Store(int64(n + 1))
	return rawWrite(c.fd, []byte("PING\r\n"))
}

func (c *client) receive() error {
	var r replies
	buf := make([]byte, 64<<10)
	for got := 0; ; {
		n, err := rawRead(c.fd, buf)
		now := time.Since(c.start)
		if err == nil && n == 0 {
			err = errors.New("the server has closed the connection")
		}
		complete := 0
		if err == nil {
			complete, err = r.count(buf[:n])
		}
		if err != nil {
			c.stopped.Store(true)
			_ = syscall.Shutdown(c.fd, syscall.SHUT_RDWR)
			return fmt.Errorf("receive: %w", err)
		}
		for range complete {
			if got == len(c.arrived) {
				return errors.New("receive: more replies than requests")
			}
			c.arrived[got] = now
			got++
		}
		if int64(got) == c.total.Load() {
			return nil
		}
	}
}

// stop ends the load and returns when the last reply has arrived.
func (c *client) stop() error {
	c.stopped.Store(true)
	c.running.Wait()
	if c.fd >= 0 {
		_ = syscall.Close(c.fd)
		c.fd = -1
	}
	return errors.Join(c.sendErr, c.readErr)
}

// latencies are those of the requests that were due from one moment to another.
// The client must have been stopped.
func (c *client) latencies(from, to time.Time) []time.Duration {
	requests := max(0, int(c.total.Load())-1) // without the PING
	return c.paced.latencies(c.arrived[:requests], from.Sub(c.start), to.Sub(c.start))
}
