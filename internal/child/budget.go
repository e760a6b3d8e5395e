package child

import (
	"sync"
	"time"
)

// burst is what may be borrowed for the first reading of a child's smaps that nothing
// can stand in for, so that it comes as soon as it is due: the save of a small server
// may be over before the share of a core has added up to that. It is paid back before
// the next one.
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

	mu     sync.Mutex // guards what follows
	credit time.Duration
	last   time.Time     // when credit was added
	loan   time.Duration // that a first reading may take
	price  float64       // of smaps, nanoseconds per byte
}

// NewBudget returns a budget of share (0.01 is 1 % of a core) while a child lives.
func NewBudget(share float64) *Budget {
	return &Budget{share: share, price: firstPrice}
}

// Birth begins with a child's life: however long there was none, nothing has been
// saved up.
func (b *Budget) Birth() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.saveLocked(0)
	b.loan = burst
}

// Allow reports whether smaps of a child of resident bytes may be read now.
func (b *Budget) Allow(resident uint64) bool { return b.allow(resident, false) }

// AllowFirst reports the same for a child's first reading, which may be borrowed for. With
// resident 0 it reports whether anything is left at all.
func (b *Budget) AllowFirst(resident uint64) bool { return b.allow(resident, true) }

func (b *Budget) allow(resident uint64, borrow bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	cost := time.Duration(b.price * float64(resident))
	b.saveLocked(max(burst, cost))
	has := b.credit
	if borrow {
		has += b.loan
	}
	return has > 0 && has >= cost
}

// saveLocked adds what time has brought, up to most.
func (b *Budget) saveLocked(most time.Duration) {
	now := time.Now()
	if !b.last.IsZero() {
		b.credit = min(most, b.credit+time.Duration(b.share*float64(now.Sub(b.last))))
	}
	b.last = now
}

// Spend subtracts cost, the CPU time that a read took. Credit may become negative: a read can't be
// stopped half-way.
func (b *Budget) Spend(cost time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.credit -= cost
}

// SpendExact subtracts cost, the CPU time that reading smaps of a child of resident bytes
// took, and expects the next reading to cost as much per byte.
func (b *Budget) SpendExact(resident uint64, cost time.Duration) {
	b.Spend(cost)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loan = 0
	if resident == 0 {
		return
	}
	b.price = float64(cost) / float64(resident)
}

// Pace returns how far apart reads of such a cost have to be for half of the budget to
// pay for them: the rest is for the counters, and for reads that cost more and
// come when Allow says so.
func (b *Budget) Pace(cost time.Duration) time.Duration {
	return time.Duration(float64(cost) / (b.share / 2))
}
