package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// pipeline is a connection that sends many requests and then waits for all their
// replies.
type pipeline struct {
	fd  int
	buf []byte
}

func openPipeline(addr string) (*pipeline, error) {
	fd, err := connect(addr)
	if err != nil {
		return nil, err
	}
	return &pipeline{fd: fd, buf: make([]byte, 64<<10)}, nil
}

func (p *pipeline) close() { _ = syscall.Close(p.fd) }

// do sends n requests and waits for their replies, which have to be of one line.
func (p *pipeline) do(requests []byte, n int) error {
	if err := rawWrite(p.fd, requests); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	var r replies
	for n > 0 {
		got, err := rawRead(p.fd, p.buf)
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		if got == 0 {
			return errors.New("the server has closed the connection")
		}
		complete, err := r.count(p.buf[:got])
		if err != nil {
			return err
		}
		n -= complete
	}
	return nil
}

// fillPipeline is how many SETs of a fill are sent at once: few enough for the
// buffers of both sides.
const fillPipeline = 100

// fill writes keys 0 to keys-1.
func fill(ctx context.Context, addr string, keys, valueSize int) error {
	p, err := openPipeline(addr)
	if err != nil {
		return err
	}
	defer p.close()
	set := newSetCommand(valueSize)
	var requests []byte
	for from := 0; from < keys && ctx.Err() == nil; from += fillPipeline {
		requests = requests[:0]
		to := min(from+fillPipeline, keys)
		for key := from; key < to; key++ {
			requests = append(requests, set.next(key)...)
		}
		if err := p.do(requests, to-from); err != nil {
			return fmt.Errorf("write keys from %d: %w", from, err)
		}
	}
	return ctx.Err()
}
