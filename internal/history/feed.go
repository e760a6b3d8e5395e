package history

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

const (
	// FeedTime is how long a feed keeps its points. Prometheus refuses samples an
	// hour older than its newest; half of that leaves a reader the time to catch up.
	FeedTime = 30 * time.Minute
	// maxFeedPoints bounds a line: 30 minutes of forks back to back make 18,000
	// points at ten a second. Whoever samples faster keeps less time.
	maxFeedPoints = 20_000
)

// FeedPoint is one point of a line.
type FeedPoint struct {
	Millis int64 // Unix time
	Bytes  uint64
}

// FeedLine is what is kept of a line. Its points are numbered as they came, from
// 0 when the exporter started, so that a reader's place is a number.
type FeedLine struct {
	First  uint64      // the number of Points[0]
	Points []FeedPoint // strictly ascending in time; nobody may write to them
}

// End is the number that the next point will get.
func (l FeedLine) End() uint64 { return l.First + uint64(len(l.Points)) }

// Feed is what is kept of a server's lines: every point of every fork of the
// last FeedTime, where a record's curve is thinned. A line has points while a
// child lives. Where there are several it is the oldest's: two children's points
// on one line would be a saw.
type Feed struct {
	Server string // configured name
	Lines  [fork.Lines]FeedLine
}

// Feeds returns the points of all servers, sorted by name.
func (s *Store) Feeds() []Feed {
	servers, _ := s.all()
	out := make([]Feed, 0, len(servers))
	for _, srv := range servers {
		out = append(out, srv.points())
	}
	return out
}

// feed is all of a server's lines.
type feed struct {
	lines [fork.Lines]FeedLine
	forks map[string]*inFeed // open ones by their ID
}

// inFeed is what a feed has to know of an open fork.
type inFeed struct {
	start   time.Time
	partial bool
	// birth is start in Unix milliseconds, or later, where the clock
	// was set back since the fork before: that fork's points stay where they are,
	// and this one's come after them, their distances unchanged. All other times
	// of a fork are counted from its birth by the monotonic clock.
	birth int64
	begun [fork.Lines]bool
}

// moment returns a time of a fork in Unix milliseconds, whatever the clock was set to
// since its birth: both times have a monotonic reading.
func (r *inFeed) moment(at time.Time) int64 { return r.birth + at.Sub(r.start).Milliseconds() }

// open gives a fork its place in time. from is the time of its first point.
func (f *feed) open(record fork.Record, from time.Time) {
	r := &inFeed{start: record.Start, partial: record.Partial, birth: record.Start.UnixMilli()}
	for _, l := range f.lines {
		if n := len(l.Points); n > 0 {
			// Two milliseconds: the zero before the birth comes in between.
			r.birth += max(0, l.Points[n-1].Millis+2-r.moment(from))
		}
	}
	if f.forks == nil {
		f.forks = map[string]*inFeed{}
	}
	f.forks[record.ID] = r
}

// forget lets go of a fork that draws no more.
func (f *feed) forget(id string) { delete(f.forks, id) }

// draw appends a point of a fork to a line. The child's lines rise from 0 just
// before its birth. They do so only when there is something to draw: without a
// source, two zeros would say that nothing was copied. A partial fork's
// beginning is missing, and nothing is made up for it.
func (f *feed) draw(d track.Drawn, now time.Time) {
	r := f.forks[d.ID]
	if r == nil {
		return
	}
	if !r.begun[d.Line] && d.Line != fork.LineResident && !r.partial {
		f.append(d.Line, FeedPoint{r.birth - 1, 0})
	}
	r.begun[d.Line] = true
	f.append(d.Line, FeedPoint{r.moment(d.At), d.Bytes})
	f.prune(now)
}

// end ends a fork's lines. What died with the child is 0; the server keeps its memory, and
// its line only ends.
func (f *feed) end(e track.LinesEnded, now time.Time) {
	r := f.forks[e.ID]
	if r == nil {
		return
	}
	for _, line := range [...]fork.Line{fork.LinePrivateDirty, fork.LineCopied} {
		if r.begun[line] {
			f.draw(track.Drawn{ID: e.ID, Line: line, At: e.At}, now)
		}
	}
	if bytes, ok := e.Resident.Get(); ok {
		f.draw(track.Drawn{ID: e.ID, Line: fork.LineResident, At: e.At, Bytes: bytes}, now)
	}
}

// append never goes back: a point that is not later than the last one, because
// it fell into the same millisecond or is another child's, comes a millisecond
// after it. Its value is the newer one.
func (f *feed) append(line fork.Line, p FeedPoint) {
	l := &f.lines[line]
	if n := len(l.Points); n > 0 {
		p.Millis = max(p.Millis, l.Points[n-1].Millis+1)
	}
	l.Points = append(l.Points, p)
}

// prune forgets what is too old or too much. It never writes to points that
// were handed out.
func (f *feed) prune(now time.Time) {
	oldest := now.Add(-FeedTime).UnixMilli()
	for i := range f.lines {
		l := &f.lines[i]
		n := max(0, len(l.Points)-maxFeedPoints)
		for n < len(l.Points) && l.Points[n].Millis < oldest {
			n++
		}
		l.First += uint64(n)
		l.Points = l.Points[n:]
		if len(l.Points) == 0 {
			l.Points = nil // else a quiet server would hold its last busy half hour
		}
	}
}
