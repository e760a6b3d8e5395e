package history

import "github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"

// MaxFeedPoints is maxFeedPoints.
const MaxFeedPoints = maxFeedPoints

// KeepsPoints reports whether memory is held for points of a line of s.
func KeepsPoints(s *Server, line fork.Line) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.feed.lines[line].Points != nil
}
