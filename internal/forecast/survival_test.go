package forecast

import (
	"reflect"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// needed is what the next fork of roomy is expected to need, in bytes.
func needed() uint64 {
	copied := float64(100 * mb)
	return uint64(Margin*copied) + 2*mb
}

// roomy is a server of 1 GiB whose next fork is expected to need something over
// 100 MiB, and at worst 1,016 MiB, with room for both.
func roomy() (*track.State, *limits.Host) {
	st := state(saved([2]uint64{4000, 100}))
	st.Limits = limits.Limits{
		At: time.Unix(1_790_000_000, 0), CgroupSeen: true,
		Cgroup:    opt.Of(limits.Limit{Path: "/redis", Max: 4 * gb, Left: 2 * gb}),
		Host:      opt.Of(8 * gb),
		Mapping:   opt.Of(24 * gb),
		Committed: opt.Of(limits.Committed{Bytes: 2 * gb, Largest: 2 * gb, AtMost: true}),
		Tasks:     opt.Of(limits.TaskLimit{Name: "pids.max", Left: 9}),
	}
	return st, &limits.Host{OvercommitMode: opt.Of(0), Kernel: opt.Of(limits.Kernel{Major: 6, Minor: 18})}
}

func TestVerdicts(t *testing.T) {
	cgroup := func(left uint64) opt.Val[limits.Limit] {
		return opt.Of(limits.Limit{Path: "/redis", Max: 4 * gb, Left: left})
	}
	for name, test := range map[string]struct {
		change func(*track.State, *limits.Host)
		want   Verdict
		why    Ground
	}{
		"room for everything": {func(*track.State, *limits.Host) {}, Yes, WorstFits},
		"no limit but the host's": {func(st *track.State, _ *limits.Host) {
			st.Limits.Cgroup = opt.Val[limits.Limit]{}
		}, Yes, WorstFits},
		"room for what is expected":   {func(st *track.State, _ *limits.Host) { st.Limits.Cgroup = cgroup(500 * mb) }, Likely, WorstExceeds},
		"just as much as is expected": {func(st *track.State, _ *limits.Host) { st.Limits.Cgroup = cgroup(needed()) }, Likely, WorstExceeds},
		"a byte less":                 {func(st *track.State, _ *limits.Host) { st.Limits.Cgroup = cgroup(needed() - 1) }, No, TooLittle},
		"a running child gives it back": {func(st *track.State, _ *limits.Host) {
			st.Limits.Cgroup, st.Limits.Returned, st.Limits.ReturnedTasks = cgroup(10*mb), needed()-10*mb, 1
		}, Likely, WorstExceeds},
		"no room for page tables": {func(st *track.State, _ *limits.Host) { st.Limits.Cgroup = cgroup(2*mb - 1) }, No, Killed},
		"the host is full":        {func(st *track.State, _ *limits.Host) { st.Limits.Host = opt.Of(50 * mb) }, No, TooLittle},
		"cgroups are not visible": {func(st *track.State, _ *limits.Host) {
			st.Limits.Cgroup, st.Limits.CgroupSeen = opt.Val[limits.Limit]{}, false
		}, Likely, CgroupUnseen},
		"nothing is visible":               {func(st *track.State, _ *limits.Host) { st.Limits = limits.Limits{} }, Unknown, NoLimits},
		"no fork yet, room for everything": {func(st *track.State, _ *limits.Host) { st.Recent = nil }, Yes, WorstFits},
		"no fork yet, not room for everything": {func(st *track.State, _ *limits.Host) {
			st.Recent, st.Limits.Cgroup = nil, cgroup(500*mb)
		}, Unknown, NoForecast},
		"no process left": {func(st *track.State, _ *limits.Host) {
			st.Limits.Tasks = opt.Of(limits.TaskLimit{Name: "pids.max"})
		}, No, Refused},
		"commit limit": {func(st *track.State, h *limits.Host) {
			h.OvercommitMode = opt.Of(2)
			st.Limits.Mapping, st.Limits.Commit = opt.Val[uint64]{}, opt.Of(500*mb)
			st.Limits.Committed = opt.Of(limits.Committed{Bytes: gb})
		}, No, Refused},
		"the commit limit is no matter of copies": {func(st *track.State, h *limits.Host) {
			h.OvercommitMode = opt.Of(2)
			st.Limits.Mapping, st.Limits.Commit = opt.Val[uint64]{}, opt.Of(50*mb)
			st.Limits.Committed = opt.Of(limits.Committed{Bytes: 36 * mb})
		}, Yes, WorstFits},
	} {
		t.Run(name, func(t *testing.T) {
			st, host := roomy()
			test.change(st, host)
			s := Survive(st, host, Next(st))
			if s.Verdict != test.want || s.Why.Ground != test.why {
				t.Errorf("%s: %+v; want %s: %s", s.Verdict, s.Why, test.want, test.why)
			}
		})
	}
}

// What a verdict rests on is told with its particulars.
func TestWhy(t *testing.T) {
	st, host := roomy()
	st.Limits.Cgroup = opt.Of(limits.Limit{Path: "/redis", Max: 4 * gb, Left: needed() - 1})
	if s := Survive(st, host, Next(st)); s.Why != (Why{Ground: TooLittle, Limit: LimitCgroup}) {
		t.Errorf("%+v", s.Why)
	}
	st.Limits.Cgroup, st.Limits.Host = opt.Val[limits.Limit]{}, opt.Of(50*mb)
	if s := Survive(st, host, Next(st)); s.Why != (Why{Ground: TooLittle, Limit: LimitHost}) {
		t.Errorf("%+v", s.Why)
	}
	st.Limits.Tasks = opt.Of(limits.TaskLimit{Name: "pids.max"})
	want := Why{Ground: Refused, Refusal: Refusal{Reason: ReasonTasks, Refused: true, Tasks: "pids.max"}}
	if s := Survive(st, host, Next(st)); s.Why != want {
		t.Errorf("%+v, want %+v", s.Why, want)
	}
}

func TestNeeds(t *testing.T) {
	st, host := roomy()
	st.Limits.Commit, st.Limits.Mapping, host.OvercommitMode = opt.Of(3*gb), opt.Val[uint64]{}, opt.Of(2)
	st.Limits.High = opt.Of(limits.Limit{Left: 90 * mb})
	s := Survive(st, host, Next(st))
	want := map[Limit][2]int64{LimitCgroup: {int64(needed()), int64(2*gb - needed())}, LimitHost: {int64(needed()), int64(8*gb - needed())}, LimitCommit: {int64(2 * gb), int64(gb)}}
	got := map[Limit][2]int64{}
	for _, n := range s.Needs {
		got[n.Limit] = [2]int64{int64(n.Needs.Or(0)), n.Left().Or(0)}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("needs and what is left: %v, want %v", got, want)
	}
	if s.SlowedBelow != opt.Of(90*mb) {
		t.Errorf("memory.high leaves less than it needs: %v", s.SlowedBelow)
	}
	st.Limits.Cgroup = opt.Of(limits.Limit{Left: 60 * mb})
	for _, n := range Survive(st, host, Next(st)).Needs {
		if n.Limit == LimitCgroup && n.Left() != opt.Of(int64(60*mb)-int64(needed())) {
			t.Errorf("too little by %v", n.Left())
		}
	}
	// A bound that does not settle the question is no need.
	st.Limits.Commit = opt.Of(gb)
	for _, n := range Survive(st, host, Next(st)).Needs {
		if n.Limit == LimitCommit && (n.Needs.Present() || n.Left().Present()) {
			t.Errorf("needs %v of the commit limit", n.Needs)
		}
	}
}

// TestRefusalsByKernel is which fork is refused, by mode, kernel and what is accounted.
func TestRefusalsByKernel(t *testing.T) {
	exact := func(bytes, largest uint64) opt.Val[limits.Committed] {
		return opt.Of(limits.Committed{Bytes: bytes, Largest: largest})
	}
	for _, test := range []struct {
		name         string
		mode         int
		major, minor int
		commit, map0 opt.Val[uint64]
		accounted    opt.Val[limits.Committed]
		want         opt.Val[bool] // absent: can't be judged
		rule         Rule
	}{
		{"mode 1", 1, 6, 18, opt.Val[uint64]{}, opt.Val[uint64]{}, opt.Val[limits.Committed]{}, opt.Of(false), RuleNone},
		{"mode 1, old", 1, 3, 10, opt.Val[uint64]{}, opt.Val[uint64]{}, opt.Val[limits.Committed]{}, opt.Of(false), RuleNone},
		{"mode 0, a large heap of one mapping", 0, 6, 18, opt.Val[uint64]{}, opt.Of(26 * gb), exact(25*gb, 25*gb), opt.Of(false), RuleTotal},
		{"mode 0, larger than everything", 0, 6, 18, opt.Val[uint64]{}, opt.Of(26 * gb), exact(27*gb, 27*gb), opt.Of(true), RuleTotal},
		{"mode 0, of many mappings", 0, 5, 2, opt.Val[uint64]{}, opt.Of(26 * gb), exact(60*gb, 2*gb), opt.Of(false), RuleTotal},
		{"mode 0, old, little to be had", 0, 5, 1, opt.Val[uint64]{}, opt.Of(3 * gb), exact(4*gb, 4*gb), opt.Of(true), RuleFree},
		{"mode 0, old, enough", 0, 4, 18, opt.Val[uint64]{}, opt.Of(5 * gb), exact(4*gb, 4*gb), opt.Of(false), RuleFree},
		{"mode 0, old, not accounted", 0, 4, 18, opt.Val[uint64]{}, opt.Of(3 * gb), exact(36*mb, 8*mb), opt.Of(false), RuleFree},
		{"mode 2, started in mode 2", 2, 6, 18, opt.Of(gb), opt.Val[uint64]{}, exact(2*gb, 2*gb), opt.Of(true), RuleCommit},
		{"mode 2, started in mode 0", 2, 6, 18, opt.Of(gb), opt.Val[uint64]{}, exact(36*mb, 8*mb), opt.Of(false), RuleCommit},
		{"mode 2, just as much", 2, 6, 18, opt.Of(gb), opt.Val[uint64]{}, exact(gb, gb), opt.Of(true), RuleCommit},
		{"mode 2, a bound that settles it", 2, 6, 18, opt.Of(3 * gb), opt.Val[uint64]{}, opt.Of(limits.Committed{Bytes: 2 * gb, AtMost: true}), opt.Of(false), RuleCommit},
		{"mode 2, a bound that does not", 2, 6, 18, opt.Of(gb), opt.Val[uint64]{}, opt.Of(limits.Committed{Bytes: 2 * gb, AtMost: true}), opt.Val[bool]{}, ""},
		{"mode 2, nothing known", 2, 6, 18, opt.Of(gb), opt.Val[uint64]{}, opt.Val[limits.Committed]{}, opt.Val[bool]{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			st, host := roomy()
			st.Limits.Tasks = opt.Val[limits.TaskLimit]{}
			st.Limits.Commit, st.Limits.Mapping, st.Limits.Committed = test.commit, test.map0, test.accounted
			host.OvercommitMode, host.Kernel = opt.Of(test.mode), opt.Of(limits.Kernel{Major: test.major, Minor: test.minor})
			got := Refusals(st, host)
			want, judged := test.want.Get()
			if judged != (len(got) == 1) {
				t.Fatalf("%+v", got)
			}
			if judged && (got[0].Reason != ReasonOvercommit || got[0].Refused != want || got[0].Rule != test.rule) {
				t.Errorf("%+v, want %t by %s", got[0], want, test.rule)
			}
		})
	}
}

func TestRefusedForTasks(t *testing.T) {
	for left, want := range map[int64]bool{-3: true, 0: true, 1: false} {
		st, host := roomy()
		host.OvercommitMode = opt.Val[int]{}
		st.Limits.Tasks = opt.Of(limits.TaskLimit{Name: "RLIMIT_NPROC", Left: left})
		if r := Refusals(st, host); len(r) != 1 || r[0].Reason != ReasonTasks || r[0].Refused != want || r[0].Tasks != "RLIMIT_NPROC" {
			t.Errorf("%d left: %+v", left, r)
		}
		st.Limits.ReturnedTasks = 1
		if r := Refusals(st, host); r[0].Refused != (left < 0) {
			t.Errorf("%d left and a child that will be gone: %+v", left, r)
		}
	}
	if r := Refusals(&track.State{}, &limits.Host{}); len(r) > 0 {
		t.Errorf("judged without anything to judge by: %+v", r)
	}
}

func TestKilledInFork(t *testing.T) {
	st, _ := roomy()
	st.Limits.Cgroup = opt.Of(limits.Limit{Left: 2*mb - 1})
	if got := KilledInFork(st); got != opt.Of(true) {
		t.Errorf("less than the page tables: %v", got)
	}
	st.Limits.Returned = 1
	if got := KilledInFork(st); got != opt.Of(false) {
		t.Errorf("with what a child gives back: %v", got)
	}
	st.Limits.Cgroup = opt.Val[limits.Limit]{}
	if got := KilledInFork(st); got != opt.Of(false) {
		t.Errorf("no limit: %v", got)
	}
	st.Limits.CgroupSeen = false
	if got := KilledInFork(st); got.Present() {
		t.Errorf("not visible: %v", got)
	}
	st, _ = roomy()
	st.PageTableBytes = opt.Val[uint64]{}
	if got := KilledInFork(st); got.Present() {
		t.Errorf("page tables not known: %v", got)
	}
}
