package track

import "fmt"

// Check returns an error if the accounts do not add up:
//
//	forks counted by the server = children followed + children unobserved
//	forks counted by the server = durations observed + durations unobserved
//
// Both hold after every event. What waits for the next reply or look is on its side
// here: a group of the ledger, open forks, and what a search for the process may find.
func (s *Server) Check() error {
	t := &s.state.Totals
	var counted, known int
	for _, f := range s.open {
		if !f.counted {
			continue
		}
		counted++
		if f.StallSeconds.Present() {
			known++
		}
	}
	pending := s.ledger.pending()
	children := s.accounts.closed + counted + int(t.UnobservedChild) + pending + s.held.unobservedChildren + s.unseen
	if s.held.durations != nil {
		children += len(s.held.durations)
	}
	if children != s.ledger.counted {
		return fmt.Errorf("the server counted %d forks; %d children closed + %d open + %d unobserved + %d to be settled = %d",
			s.ledger.counted, s.accounts.closed, counted, t.UnobservedChild, children-s.accounts.closed-counted-int(t.UnobservedChild), children)
	}
	held := s.held.lostDurations + len(s.held.orphans)
	for _, d := range s.held.durations {
		if d.Present() {
			held++
		}
	}
	durations := int(t.Stall.Count) + int(t.UnobservedDuration) - s.accounts.uncounted + known + pending + held + s.unseen
	if durations != s.ledger.counted {
		return fmt.Errorf("the server counted %d forks; %d durations observed + %d unobserved - %d of forks it does not count + %d known + %d to be settled = %d",
			s.ledger.counted, t.Stall.Count, t.UnobservedDuration, s.accounts.uncounted, known, pending+held+s.unseen, durations)
	}
	return nil
}
