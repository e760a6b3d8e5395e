package watch

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

// extra is what server and child together hold more than the server did before
// the birth: by their own cgroup, else the child's private memory and the server's
// growth together. It is 0 where they hold less.
func (m *meter) extra(r reading, dirty opt.Val[fork.Sample]) opt.Val[fork.Extra] {
	quiet, _ := m.quiet.Get()
	now, ok1 := r.cgroup.Get()
	before, ok2 := quiet.cgroup.Get()
	if ok1 && ok2 && !m.noCgroup {
		return opt.Of(fork.Extra{Time: r.at, Bytes: now - min(now, before), Source: fork.SourceCgroup})
	}
	sample, ok := dirty.Get()
	anon, ok1 := r.anon.Get()
	before, ok2 = quiet.anon.Get()
	if !ok2 {
		before, ok2 = m.birth.anon.Get()
	}
	if !ok || !ok1 || !ok2 {
		return opt.Val[fork.Extra]{}
	}
	both := sample.PrivateDirty + anon
	return opt.Of(fork.Extra{Time: r.at, Bytes: both - min(both, before), Source: sample.Source})
}

// addExtra adds a reading to the record.
func (s *sampler) addExtra(r reading, dirty opt.Val[fork.Sample]) {
	e, ok := s.meter.extra(r, dirty).Get()
	if !ok {
		return
	}
	s.w.opts.Server.AddExtra(s.id, e)
	s.extra, s.extraAt = opt.Of(e), r
}

// lastExtra carries the newest reading on to the child's death, when its memory is
// gone: by what has been copied since, and what the server grew by.
func (s *sampler) lastExtra(r reading) {
	e, ok := s.extra.Get()
	if !ok || r.at.Sub(s.extraAt.at) > extraSince {
		return
	}
	copied := s.meter.copied(r)
	bytes := e.Bytes + copied - min(copied, s.meter.copied(s.extraAt))
	if now, before := r.anon.Or(0), s.extraAt.anon.Or(0); now > before {
		bytes += now - before
	}
	e.Time, e.Bytes = r.at, bytes
	s.w.opts.Server.AddExtra(s.id, e)
}
