package watch

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// readRoom reads what a fork would find: how much of the server writes can make it
// copy, and what the machine leaves for that.
func (w *Watcher) readRoom(s proc.Status) {
	w.opts.Server.SetAnonymous(s.RSSAnon, w.hugePages(), time.Now())
}

// hugePages is how much of the server's memory is huge pages: its own cgroup tells
// while no child is in it.
func (w *Watcher) hugePages() opt.Val[uint64] {
	p := w.process
	if p.cgroup == nil || w.living() > 0 || !p.aloneWith(nil) {
		return opt.Val[uint64]{}
	}
	huge, err := p.cgroup.AnonymousHuge()
	if err != nil {
		return opt.Val[uint64]{}
	}
	return opt.Of(huge)
}
