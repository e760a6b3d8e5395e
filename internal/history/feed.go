package history

import (
	"slices"
	"time"
)

const (
	// FeedTime is how long a feed keeps its points. Prometheus refuses samples an
	// hour older than its newest; half of that leaves a reader the time to catch up.
	FeedTime = 30 * time.Minute
	// maxFeedPoints bounds a line: 30 minutes of forks back to back make 18,000
	// points at ten a second. Whoever samples faster keeps less time.
	maxFeedPoints = 20_000
)

// Line is one of the three curves of a server.
type Line int

// The lines of a server. All are in bytes.
const (
	LinePrivateDirty Line = iota // the child's private dirty memory
	LineCopied                   // what was copied since the birth
	LineResident                 // the server's resident memory
	Lines                        // how many there are
)

// FeedPoint is one point of a Line.
type FeedPoint struct {
	Millis int64 // Unix time
	Bytes  uint64
}

// FeedLine is what is kept of a Line. Its points are numbered as they came, from
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
	Lines  [Lines]FeedLine
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

func (s *Server) points() Feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed.prune(time.Now())
	out := Feed{Server: s.state.Name, Lines: s.feed}
	for i := range out.Lines {
		out.Lines[i].Points = slices.Clip(out.Lines[i].Points)
	}
	return out
}

// feed is all of a server's lines.
type feed [Lines]FeedLine

// inFeed is what a feed has to know of a running fork.
type inFeed struct {
	// birth is the fork's Start in Unix milliseconds, or later, where the clock
	// was set back since the fork before: that fork's points stay where they are,
	// and this one's come after them, their distances unchanged. All other times
	// of a fork are counted from its birth by the monotonic clock.
	birth int64
	begun [Lines]bool
}

// begin gives a fork its place in time. from is the time of its first point.
func (f *feed) begin(r *running, from time.Time) {
	r.feed.birth = r.Start.UnixMilli()
	for _, l := range f {
		if n := len(l.Points); n > 0 {
			// Two milliseconds: the zero before the birth comes in between.
			r.feed.birth += max(0, l.Points[n-1].Millis+2-r.moment(from))
		}
	}
}

// moment is a time of a fork in Unix milliseconds, whatever the clock was set to
// since its birth: both times have a monotonic reading.
func (r *running) moment(at time.Time) int64 {
	return r.feed.birth + at.Sub(r.Start).Milliseconds()
}

// add appends a point of a fork to a line. The child's lines rise from 0 just
// before its birth. They do so only when there is something to draw: without a
// source, two zeros would say that nothing was copied. A partial fork's
// beginning is missing, and nothing is made up for it.
func (f *feed) add(r *running, line Line, at time.Time, bytes uint64) {
	if !r.feed.begun[line] && line != LineResident && !r.Partial {
		f.append(line, FeedPoint{r.feed.birth - 1, 0})
	}
	r.feed.begun[line] = true
	f.append(line, FeedPoint{r.moment(at), bytes})
	f.prune(time.Now())
}

// append never goes back: a point that is not later than the last one, because
// it fell into the same millisecond or is another child's, comes a millisecond
// after it. Its value is the newer one.
func (f *feed) append(line Line, p FeedPoint) {
	l := &f[line]
	if n := len(l.Points); n > 0 {
		p.Millis = max(p.Millis, l.Points[n-1].Millis+1)
	}
	l.Points = append(l.Points, p)
}

// prune forgets what is too old or too much. It never writes to points that
// were handed out.
func (f *feed) prune(now time.Time) {
	oldest := now.Add(-FeedTime).UnixMilli()
	for i := range f {
		l := &f[i]
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

// draws tells whether the lines are this fork's: its child is the oldest that lives.
func (s *Server) draws(r *running) bool {
	for _, o := range s.open {
		if !o.dead {
			return o == r
		}
	}
	return false
}

// feedBirth begins a fork that is in s.open already.
func (s *Server) feedBirth(r *running, from time.Time) {
	s.feed.begin(r, from)
	if bytes, ok := r.ResidentBytes.Get(); ok && s.draws(r) {
		s.feed.add(r, LineResident, from, bytes)
	}
}

// feedPoint adds a reading of a fork whose child lives.
func (s *Server) feedPoint(r *running, line Line, at time.Time, bytes uint64) {
	if s.draws(r) {
		s.feed.add(r, line, at, bytes)
	}
}

// feedResident adds a reading of the server's memory, if a child lives.
func (s *Server) feedResident(at time.Time) {
	bytes, ok := s.state.ResidentBytes.Get()
	for _, r := range s.open {
		if ok && s.draws(r) {
			s.feed.add(r, LineResident, at, bytes)
		}
	}
	s.feed.prune(at) // here because it is called once a second, forks or not
}

// feedDeath ends a fork's lines, before its child is marked dead. What died with
// the child is 0; the server keeps its memory, and its line only ends.
func (s *Server) feedDeath(r *running, at time.Time) {
	if !s.draws(r) {
		return
	}
	for _, line := range [...]Line{LinePrivateDirty, LineCopied} {
		if r.feed.begun[line] {
			s.feed.add(r, line, at, 0)
		}
	}
	if bytes, ok := s.state.ResidentBytes.Get(); ok {
		s.feed.add(r, LineResident, at, bytes)
	}
}
