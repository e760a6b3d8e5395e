package child

import (
	"testing"
	"testing/synctest"
	"time"
)

const gib = 1 << 30

func TestBudgetPaysBeforeItReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(0.01)
		b.Birth()
		if b.Allow(gib / 2) {
			t.Error("a reading that can wait is borrowed for")
		}
		if !b.AllowFirst(gib / 2) {
			t.Error("the burst does not pay for a small server's first reading")
		}
		// 8 GiB are expected to cost 280 ms: 20 are there, 260 take 26 s.
		waited := time.Duration(0)
		for ; !b.AllowFirst(8 * gib); waited += time.Second {
			time.Sleep(time.Second)
		}
		if waited != 26*time.Second {
			t.Errorf("a reading of 280 ms was allowed after %s, want 26 s", waited)
		}
		// It was cheaper, and so is the next: 80 ms from what was left.
		b.SpendExact(8*gib, 80*time.Millisecond)
		if !b.AllowFirst(8 * gib) {
			t.Error("200 ms are left, and a reading that costs 80 ms is refused")
		}
	})
}

func TestBudgetSavesNothingUpBetweenForks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(0.01)
		b.Birth()
		b.SpendExact(gib, 100*time.Millisecond)
		time.Sleep(time.Hour)
		b.Birth()
		if b.AllowFirst(gib) {
			t.Error("an hour without a child has paid for more than the burst")
		}
		if !b.AllowFirst(gib / 10) {
			t.Error("the burst was not saved up again")
		}
	})
}

func TestBudgetInDebtReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(0.01)
		b.Birth()
		b.Spend(30 * time.Millisecond)
		if b.AllowFirst(0) {
			t.Error("a reading is allowed on debt")
		}
		time.Sleep(2 * time.Second)
		if !b.AllowFirst(0) {
			t.Error("the debt of 10 ms is not paid after 2 s at 1 %")
		}
	})
}
