package curve

import (
	"math"
	"sort"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
)

// lineKey names one line of one server.
type lineKey struct {
	server string
	line   fork.Line
}

// place is how far a reader has come: the number of the next point of each line.
// It is no time, for a point may come to one line after later ones of others
// were read. A line that is not in it is unread. A place is never changed, only
// replaced.
type place map[lineKey]uint64

// series is some of a line's points.
type series struct {
	lineKey
	first  uint64 // the number of points[0]
	points []history.FeedPoint
}

// since returns the place in feeds that has everything ahead that is not older than
// moment.
func since(feeds []history.Feed, moment time.Time) place {
	p := place{}
	for _, s := range ahead(feeds, nil) {
		p[s.lineKey] = s.first + uint64(before(s.points, moment.UnixMilli()))
	}
	return p
}

// look returns the minute of feeds before now; the newest points of it, if they are
// more than a response may have.
func look(feeds []history.Feed, now time.Time) []series {
	from := since(feeds, now.Add(-window))
	tooMany := totalBefore(ahead(feeds, from), math.MaxInt64) - maxPoints
	_, from = take(feeds, from, max(0, tooMany))
	points, _ := take(feeds, from, maxPoints)
	return points
}

// take returns at most limit points of feeds from the place from on, the oldest of
// all lines, and the place after them.
func take(feeds []history.Feed, from place, limit int) ([]series, place) {
	out := ahead(feeds, from)
	oldest, newest := int64(math.MaxInt64), int64(math.MinInt64)
	for _, s := range out {
		if n := len(s.points); n > 0 {
			oldest, newest = min(oldest, s.points[0].Millis), max(newest, s.points[n-1].Millis)
		}
	}
	if oldest > newest {
		oldest, newest = 0, 0
	}
	// All before cut are taken, and of those in that very millisecond, of which
	// each line has one at most, as many as there is room for.
	cut := oldest + int64(sort.Search(int(newest-oldest)+1, func(i int) bool {
		return totalBefore(out, oldest+int64(i)+1) > limit
	}))
	room := limit - totalBefore(out, cut)
	to := place{}
	for i := range out {
		s := &out[i]
		n := before(s.points, cut)
		if room > 0 && n < len(s.points) && s.points[n].Millis == cut {
			n, room = n+1, room-1
		}
		s.points = s.points[:n]
		to[s.lineKey] = s.first + uint64(n)
	}
	return out, to
}

// ahead returns everything of feeds from the place from on that is still kept.
func ahead(feeds []history.Feed, from place) []series {
	var out []series
	for line := range fork.Lines {
		for _, f := range feeds {
			l := f.Lines[line]
			s := series{lineKey{f.Server, line}, l.First, l.Points}
			if next := min(from[s.lineKey], l.End()); next > l.First {
				s.first, s.points = next, l.Points[next-l.First:]
			}
			out = append(out, s)
		}
	}
	return out
}

// before returns how many of points, which are a line's in their order, lie before
// the moment millis, in milliseconds since 1970.
func before(points []history.FeedPoint, millis int64) int {
	return sort.Search(len(points), func(i int) bool { return points[i].Millis >= millis })
}

// totalBefore returns how many points of all lines lie before the moment millis.
func totalBefore(lines []series, millis int64) int {
	n := 0
	for _, s := range lines {
		n += before(s.points, millis)
	}
	return n
}
