package watch

import (
	"sync"
	"time"
)

// Budget limits the CPU time that sampling one server's children may take to a
// share of one core. Reads cost CPU here and make the child, and through it the
// server, wait there; so the budget is also a limit on how much is disturbed.
// Every reading is paid from it. Those that grow with the memory wait until it
// allows them.
type Budget struct {
	share float64 // seconds of reading per second
	burst time.Duration

	mu     sync.Mutex
	credit time.Duration
	last   time.Time
}

// NewBudget allows share (0.01 is 1 % of a core) in the long run, and burst at once.
func NewBudget(share float64, burst time.Duration) *Budget {
	return &Budget{share: share, burst: burst, credit: burst}
}

// Allow tells whether there is credit for a read now.
func (b *Budget) Allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if !b.last.IsZero() {
		b.credit = min(b.burst, b.credit+time.Duration(b.share*float64(now.Sub(b.last))))
	}
	b.last = now
	return b.credit > 0
}

// Spend takes what a read has cost. Credit may become negative: a read can't be
// stopped half-way.
func (b *Budget) Spend(cost time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.credit -= cost
}

// Pace is how far apart reads of such a cost have to be for three quarters of the
// budget to pay for them: the rest is for reads that cost more, and come when
// Allow says so.
func (b *Budget) Pace(cost time.Duration) time.Duration {
	return time.Duration(float64(cost) / (b.share * 3 / 4))
}
