package track

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// changes counts the keys that a server changed. The server's own count falls
// when a save ends, by what the save has saved; this one goes on.
type changes struct {
	counted window
	last    opt.Val[redisinfo.Info]
}

// reply takes a reply to INFO. What was written around the end of a save can't be
// told from the server's count: it is taken to be as much as usual.
func (c *changes) reply(info redisinfo.Info, at time.Time) {
	now, counts := info.ChangesSinceLastSave.Get()
	last, known := c.last.Get()
	if !counts || known && last.RunID != info.RunID {
		*c = changes{}
		known = false
	}
	if !counts {
		return
	}
	c.last = opt.Of(info)
	if !known {
		c.counted.add(at, 0)
		return
	}
	newest := c.counted[len(c.counted)-1]
	if !at.After(newest.at) {
		return
	}
	before := last.ChangesSinceLastSave.Or(0)
	if now < before || last.LastSaveTime != info.LastSaveTime {
		c.counted.add(at, c.counted.value(at).Or(newest.value))
		return
	}
	c.counted.add(at, newest.value+float64(now-before))
}
