package redisinfo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ForkCommand is a command that makes a server fork.
type ForkCommand string

// The fork commands.
const (
	BGSave       ForkCommand = "BGSAVE"
	BGRewriteAOF ForkCommand = "BGREWRITEAOF"
)

// forkTimeout is long: the answer comes after fork(2), and that takes seconds on
// a large server of an old hypervisor.
const forkTimeout = time.Minute

// StartFork makes the server that o leads to fork by command, over a connection of
// its own that is closed afterwards. It is the one thing here that is no question,
// and only the command measure may call it, when its user said so: a Client can't
// send these commands.
//
// The error is an *Error, except when ctx was cancelled.
func StartFork(ctx context.Context, o Options, command ForkCommand) error {
	c := newClient(o, asking.and(string(command)))
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, forkTimeout)
	defer cancel()
	err := c.do(ctx, string(command), func(ctx context.Context) error {
		return c.rdb.Process(ctx, redis.NewStatusCmd(ctx, string(command)))
	})
	var refused *ReplyError
	var e *Error
	if errors.As(err, &refused) && errors.As(err, &e) {
		switch refused.Code {
		case "NOPERM":
			user := o.Username
			if user == "" {
				user = "default"
			}
			e.Hint = fmt.Sprintf("ACL user %s may not call %s: give measure another user, or ACL SETUSER %s +%s for the time being", user, command, user, strings.ToLower(string(command)))
		case "ERR":
			e.Hint = fmt.Sprintf("the server refused %s: a child is running already, or the kernel refused the fork; the server's log says which", command)
		}
	}
	return err
}
