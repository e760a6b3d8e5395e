package watch

import (
	"sync"
	"time"
)

// burst is what a budget has at a birth. It pays for the first reading of a small
// server's smaps as soon as it is due: its save may be over before the share of a
// core has added up to that.
const burst = 20 * time.Millisecond

// firstPrice is what reading smaps is expected to cost per byte of the child's
// resident memory before any was read: 35 ms per GiB, as measured on a busy
// virtual machine; others take 10 ms.
const firstPrice = float64(35*time.Millisecond) / (1 << 30)

// Budget limits the CPU time that sampling one server's children may take to a
// share of one core. Reads cost CPU here and make the child, and through it the
// server, wait there; so the budget is also a limit on how much is disturbed.
// Every reading is paid from it. Those that grow with the memory wait until it
// can pay them whole, so that a fork of any size costs the same share.
type Budget struct {
	share float64 // seconds of reading per second

	mu     sync.Mutex
	credit time.Duration
	last   time.Time
	price  float64 // nanoseconds per byte
}

// NewBudget allows share (0.01 is 1 % of a core) while a child lives, and 20 ms at
// its birth.
func NewBudget(share float64) *Budget {
	return &Budget{share: share, credit: burst, price: firstPrice}
}

// Birth begins with a child's life: however long there was none, no more than the
// burst has been saved up.
func (b *Budget) Birth() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.save(burst)
}

// Allow tells whether smaps of so many resident bytes may be read now. Of no
// bytes, it tells whether anything is left.
func (b *Budget) Allow(resident uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	cost := time.Duration(b.price * float64(resident))
	b.save(max(burst, cost))
	return b.credit > 0 && b.credit >= cost
}

// save adds what time has brought, up to most.
func (b *Budget) save(most time.Duration) {
	now := time.Now()
	if !b.last.IsZero() {
		b.credit = min(most, b.credit+time.Duration(b.share*float64(now.Sub(b.last))))
	}
	b.last = now
}

// Spend takes what a read has cost. Credit may become negative: a read can't be
// stopped half-way.
func (b *Budget) Spend(cost time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.credit -= cost
}

// SpendExact takes what reading smaps of so many resident bytes has cost, and
// expects the next to cost as much per byte.
func (b *Budget) SpendExact(resident uint64, cost time.Duration) {
	b.Spend(cost)
	if resident == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.price = float64(cost) / float64(resident)
}

// Pace is how far apart reads of such a cost have to be for half of the budget to
// pay for them: the rest is for the counters, and for reads that cost more and
// come when Allow says so.
func (b *Budget) Pace(cost time.Duration) time.Duration {
	return time.Duration(float64(cost) / (b.share / 2))
}
