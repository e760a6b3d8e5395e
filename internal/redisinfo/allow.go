package redisinfo

import (
	"context"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

// allowed are the commands that a Client lets through to its server, as first
// word or first two. It is a go-redis hook, and so sees what the library sends by
// itself too: whatever a later version of either thinks of, a Client can't write,
// fork or block.
type allowed map[string]bool

// asking is what a Client needs: to introduce itself and to ask.
var asking = allowed{"hello": true, "auth": true, "info": true, "config get": true}

// and returns the commands of a and one more, command.
func (a allowed) and(command string) allowed {
	out := allowed{strings.ToLower(command): true}
	for c := range a {
		out[c] = true
	}
	return out
}

// notAllowedError reports that a command was not sent.
type notAllowedError struct{ command string }

func (e *notAllowedError) Error() string {
	return strings.ToUpper(e.command) + " is not among what may be sent to a server"
}

// check returns an error if cmd is none of the commands of a.
func (a allowed) check(cmd redis.Cmder) error {
	name := strings.ToLower(cmd.Name())
	if a[name] {
		return nil
	}
	if args := cmd.Args(); len(args) > 1 {
		if sub, ok := args[1].(string); ok && a[name+" "+strings.ToLower(sub)] {
			return nil
		}
	}
	return &notAllowedError{name}
}

// DialHook implements redis.Hook.
func (a allowed) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook implements redis.Hook.
func (a allowed) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := a.check(cmd); err != nil {
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook implements redis.Hook.
func (a allowed) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if err := a.check(cmd); err != nil {
				for _, c := range cmds {
					c.SetErr(err)
				}
				return err
			}
		}
		return next(ctx, cmds)
	}
}
