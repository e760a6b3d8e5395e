package fork

import "time"

// TailLimit is how long a tail is followed.
const TailLimit = time.Minute

// TailGoing reports whether the child of f is dead at the moment now and its tail is
// still being counted. A record that has no tail some seconds after TailLimit will not
// get one.
func (f *Record) TailGoing(now time.Time) bool {
	switch {
	case f.Running(), f.Outcome == OutcomeServerDied, f.Tail.Present():
		return false
	case !f.CopyFaults.Present(), !f.LifetimeSeconds.Present():
		return false // nobody counts
	}
	since := now.Sub(f.End())
	return since >= 0 && since < TailLimit+3*time.Second
}
