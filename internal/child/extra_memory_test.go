package child

import (
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func TestExtraByItsSources(t *testing.T) {
	quiet := at(1000, 1024, 0).withCgroup(1000, 1050)
	birth := at(1000, 1024, 1000).withCgroup(1000, 1050)
	dirty := opt.Of(fork.Sample{PrivateDirty: 80 * mb, Source: fork.SourceCounters})
	m := newMeter(page, 4, opt.Of(quiet), birth, false)
	for name, test := range map[string]struct {
		r     Reading
		dirty opt.Val[fork.Sample]
		want  opt.Val[fork.Extra]
	}{
		"the cgroup":             {at(0, 0, 0).withCgroup(1030, 1160), dirty, opt.Of(fork.Extra{Bytes: 110 * mb, Source: fork.SourceCgroup})},
		"the cgroup shrank":      {at(0, 0, 0).withCgroup(500, 700), dirty, opt.Of(fork.Extra{Bytes: 0, Source: fork.SourceCgroup})},
		"private dirty, growing": {anonOnly(1030), dirty, opt.Of(fork.Extra{Bytes: 110 * mb, Source: fork.SourceCounters})},
		// What the server freed is the child's alone: private dirty memory, but no more than before.
		"private dirty, shrinking": {anonOnly(950), dirty, opt.Of(fork.Extra{Bytes: 30 * mb, Source: fork.SourceCounters})},
		"shrinking by more":        {anonOnly(100), dirty, opt.Of(fork.Extra{Bytes: 0, Source: fork.SourceCounters})},
		"no private dirty":         {anonOnly(1030), opt.Val[fork.Sample]{}, opt.Val[fork.Extra]{}},
		"nothing":                  {at(0, 0, 0), dirty, opt.Val[fork.Extra]{}},
	} {
		if got := m.extra(test.r, test.dirty); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
	m.noCgroup = true // it misled
	if got := m.extra(at(0, 0, 0).withCgroup(1030, 1160), dirty).Or(fork.Extra{}); got.Bytes != 110*mb || got.Source != fork.SourceCounters {
		t.Errorf("a cgroup that misled: %+v", got)
	}
	m = newMeter(page, 4, opt.Val[Reading]{}, birth, false) // another child lived before
	if got := m.extra(anonOnly(1010), dirty).Or(fork.Extra{}); got.Bytes != 90*mb {
		t.Errorf("without a Reading before the birth: %+v", got)
	}
}

func anonOnly(anon uint64) Reading {
	r := at(0, 0, 0)
	r.anon = opt.Of(anon * mb)
	return r
}
