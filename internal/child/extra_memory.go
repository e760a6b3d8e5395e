package child

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// What a machine needs for a fork is not the child's private memory: what the
// server frees becomes the child's alone and costs nothing, and what the server
// grows by comes on top. It is what both hold more than the server held before.

// extraSince is how old a reading may be for the counters to carry it on to the
// child's death.
const extraSince = 2 * time.Second

// extra returns what server and child together hold more than the server did before
// the birth: by their own cgroup, else the child's private memory (private) and the
// server's growth together. It is 0 where they hold less.
func (m *meter) extra(r Reading, private opt.Val[fork.Sample]) opt.Val[fork.Extra] {
	idle, _ := m.idle.Get()
	now, ok1 := r.cgroup.Get()
	before, ok2 := idle.cgroup.Get()
	if ok1 && ok2 && !m.noCgroup {
		return opt.Of(fork.Extra{Time: r.at, Bytes: now - min(now, before), Source: fork.SourceCgroup})
	}
	sample, ok := private.Get()
	anon, ok1 := r.anon.Get()
	before, ok2 = idle.anon.Get()
	if !ok2 {
		before, ok2 = m.birth.anon.Get()
	}
	if !ok || !ok1 || !ok2 {
		return opt.Val[fork.Extra]{}
	}
	both := sample.PrivateDirty + anon
	return opt.Of(fork.Extra{Time: r.at, Bytes: both - min(both, before), Source: sample.Source})
}

// extraAt is a reading of the extra memory, and the counters that it was made of.
type extraAt struct {
	fork.Extra
	at Reading
}

// lastExtra carries the newest reading, e, on to the child's death at r, when its
// memory is gone: by what has been copied since, and what the server grew by. It is
// absent where e is too old.
func (m *meter) lastExtra(e extraAt, r Reading) opt.Val[fork.Extra] {
	if r.at.Sub(e.at.at) > extraSince {
		return opt.Val[fork.Extra]{}
	}
	copied := m.copied(r)
	bytes := e.Bytes + copied - min(copied, m.copied(e.at))
	if now, before := r.anon.Or(0), e.at.anon.Or(0); now > before {
		bytes += now - before
	}
	return opt.Of(fork.Extra{Time: r.at, Bytes: bytes, Source: e.Source})
}
