package check

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/forecast"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

const gb = 1_000_000_000

// healthy are the facts about a server of which there is nothing to be said.
func healthy() facts {
	return facts{
		user: "default",
		state: track.State{
			Name: "s", Addr: "127.0.0.1:6379", Asked: true, Up: true,
			Info: &redisinfo.Info{
				Software: "redis", Version: "7.0.15", Role: "master", UsedMemory: opt.Of(uint64(gb)),
				LastBGSaveOK: opt.Of(true), LastAOFRewriteOK: opt.Of(true), LatestFork: opt.Of(20 * time.Millisecond),
				RDBLastCOWBytes: opt.Of(uint64(gb / 2)),
			},
			PID: opt.Of(42), ResidentBytes: opt.Of(uint64(gb)), PageTableBytes: opt.Of(uint64(2_000_000)), AnonymousBytes: opt.Of(uint64(gb)),
			Available: map[fork.Source]bool{fork.SourceChildSmaps: true, fork.SourcePagemap: true, fork.SourceCgroup: true, fork.SourceTaskstats: true},
			Limits: limits.Limits{
				At: time.Now(), CgroupSeen: true, Host: opt.Of(uint64(10 * gb)), Tasks: opt.Of(limits.TaskLimit{Name: "pids.max", Left: 100}),
				Cgroup: opt.Of(limits.Limit{Path: "/redis.service", Max: 5 * gb, Left: 4 * gb}),
			},
		},
		host: limits.Host{OvercommitMode: opt.Of(1), HugePages: opt.Of("madvise"), Kernel: opt.Of(limits.Kernel{Major: 6, Minor: 18})},
		settings: settings{values: map[string]string{
			"save": "3600 1 300 100", "stop-writes-on-bgsave-error": "yes", "disable-thp": "yes", "oom-score-adj": "yes",
			"oom-score-adj-values": "0 200 800", "repl-diskless-sync": "yes", "dbfilename": "dump.rdb",
		}},
		oomScoreAdj: opt.Of(0), oomGroup: opt.Of(""), hugePagesAllowed: opt.Of(true), delayAccounting: opt.Of(true),
		disk: opt.Of(proc.Disk{Path: "/var/lib/redis", Free: 20 * gb}), rdbFileBytes: opt.Of(uint64(gb)),
	}
}

func (f *facts) set(name, value string) { f.settings.values[name] = value }

func (f *facts) report() Report { return judge(*f) }

func find(t *testing.T, r Report, name string) Finding {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no finding %s in %+v", name, r)
	}
	return r.Findings[i]
}

func TestHealthy(t *testing.T) {
	f := healthy()
	r := f.report()
	for _, x := range r.Findings {
		if x.Level != OK {
			t.Errorf("%s is %s: %s", x.Name, x.Level, x.Why)
		}
	}
	if r.Status != StatusOK || r.Verdict != forecast.Yes {
		t.Errorf("status %d, verdict %s", r.Status, r.Verdict)
	}
}

var (
	noInt    opt.Val[int]
	noString opt.Val[string]
	noBool   opt.Val[bool]
)

func none[T any]() opt.Val[T] { return opt.Val[T]{} }

// Each finding at each of its levels.
func TestFindings(t *testing.T) {
	kernel := func(major, minor int) func(*facts) {
		return func(f *facts) { f.host.Kernel = opt.Of(limits.Kernel{Major: major, Minor: minor}) }
	}
	mode := func(n int) func(*facts) { return func(f *facts) { f.host.OvercommitMode = opt.Of(n) } }
	thp := func(mode string) func(*facts) { return func(f *facts) { f.host.HugePages = opt.Of(mode) } }
	refused := func(f *facts) { f.settings = settings{refused: true} }
	unlimited := func(f *facts) { f.state.Limits.Cgroup = none[limits.Limit]() }
	left := func(bytes uint64) func(*facts) {
		return func(f *facts) {
			f.state.Limits.Cgroup = opt.Of(limits.Limit{Path: "/redis.service", Max: 5 * gb, Left: bytes})
		}
	}
	unknown := func(f *facts) {
		f.state.PID, f.state.ProcessProblem, f.state.Limits = noInt, "it is elsewhere", limits.Limits{}
		f.state.Available = nil
		f.oomScoreAdj, f.oomGroup, f.hugePagesAllowed, f.disk, f.rdbFileBytes = noInt, noString, noBool, none[proc.Disk](), none[uint64]()
	}
	without := func(sources ...fork.Source) func(*facts) {
		return func(f *facts) {
			for _, s := range sources {
				f.state.Available[s] = false
			}
		}
	}
	recorded := func(o fork.Outcome) func(*facts) {
		return func(f *facts) {
			f.state.Recent = []fork.Record{{
				ID: "1-2", Kind: fork.KindRDB, Outcome: o, Start: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Signal: opt.Of("SIGKILL"),
				StallSeconds: opt.Of(2.0), ResidentBytes: opt.Of(uint64(gb)), LifetimeSeconds: opt.Of(9.0), PeakBytes: opt.Of(uint64(1000)),
			}}
		}
	}
	for _, test := range []struct {
		name   string
		change []func(*facts)
		level  Level
		why    string // part of what is said, mending included
	}{
		{refusedFork, nil, OK, "vm.overcommit_memory is 1: the kernel refuses no fork for its size; there is room for one more process below pids.max."},
		{refusedFork, []func(*facts){func(f *facts) { f.state.Limits.Tasks = opt.Of(limits.TaskLimit{Name: "pids.max", Left: 0}) }}, Fail, "TasksMax="},
		{refusedFork, []func(*facts){mode(2), func(f *facts) {
			f.state.Limits.Commit, f.state.Limits.Committed = opt.Of(uint64(1000)), opt.Of(limits.Committed{Bytes: gb})
		}}, Fail, "vm.overcommit_memory=1"},
		{refusedFork, []func(*facts){unknown}, Unknown, "see process"},

		{cgroupLimit, nil, OK, "The limit is 5.00 GB, of which 4.00 GB are free"},
		{cgroupLimit, []func(*facts){unlimited}, OK, "no limit that can be seen"},
		{cgroupLimit, []func(*facts){left(400_000_000)}, Fail, "expected to need 502 MB: the kernel would kill"},
		{cgroupLimit, []func(*facts){left(1_000_000)}, Fail, "the kernel would kill the server in fork(2)"},
		{cgroupLimit, []func(*facts){func(f *facts) { f.state.Info.RDBLastCOWBytes = none[uint64]() }}, Unknown, "not known yet"},
		{cgroupLimit, []func(*facts){func(f *facts) {
			f.state.Limits.High = opt.Of(limits.Limit{Path: "/redis.service", Max: 4 * gb, Left: 1000})
		}}, Warn, "only 1.00 kB are left below memory.high: the kernel will slow the server down. raise memory.high (MemoryHigh=)"},
		{cgroupLimit, []func(*facts){func(f *facts) { f.state.Limits = limits.Limits{} }}, Unknown, "/sys/fs/cgroup"},

		{oomScore, nil, OK, "oom_score_adj is 0, and its children's 800"},
		{oomScore, []func(*facts){func(f *facts) { f.set("oom-score-adj", "no") }}, Fail, "CONFIG SET oom-score-adj yes"},
		{oomScore, []func(*facts){unlimited, func(f *facts) { f.set("oom-score-adj", "no") }}, Warn, "CONFIG SET oom-score-adj yes"},
		{oomScore, []func(*facts){func(f *facts) { f.set("oom-score-adj", "absolute"); f.oomScoreAdj = opt.Of(-500) }}, OK, "children's 800"},
		{oomScore, []func(*facts){func(f *facts) { f.set("oom-score-adj", "relative"); f.oomScoreAdj = opt.Of(-500) }}, OK, "children's 300"},
		{oomScore, []func(*facts){func(f *facts) { f.oomScoreAdj, f.state.Info.Role = opt.Of(200), "slave" }}, OK, "children's 800"},
		{oomScore, []func(*facts){func(f *facts) { f.set("oom-score-adj-values", "800 800 800") }}, Fail, "the same"},
		{oomScore, []func(*facts){func(f *facts) { f.set("oom-score-adj", "no"); f.oomScoreAdj = opt.Of(-1000) }}, OK, "never kills it"},
		{oomScore, []func(*facts){refused}, Unknown, "ACL SETUSER default +config|get"},
		{oomScore, []func(*facts){func(f *facts) { delete(f.settings.values, "oom-score-adj") }}, Unknown, "has no setting oom-score-adj"},
		{oomScore, []func(*facts){func(f *facts) { f.settings = settings{failed: true} }}, Unknown, "run check again"},
		{oomScore, []func(*facts){unknown}, Unknown, "see process"},

		{oomGroup, nil, OK, "one at a time"},
		{oomGroup, []func(*facts){func(f *facts) { f.oomGroup = opt.Of("/kubepods/x") }}, Warn, "1 in /kubepods/x"},
		{oomGroup, []func(*facts){func(f *facts) { f.oomGroup = noString }}, Unknown, "/sys/fs/cgroup"},

		{overcommit, nil, OK, "is 1"},
		{overcommit, []func(*facts){mode(0)}, OK, "on Linux 6.18 that refuses only a single mapping"},
		{overcommit, []func(*facts){mode(0), kernel(5, 2)}, OK, "on Linux 5.2"},
		{overcommit, []func(*facts){mode(0), kernel(5, 1)}, Warn, "on Linux 5.1 the kernel guesses"},
		{overcommit, []func(*facts){mode(0), kernel(4, 18), func(f *facts) {
			f.state.Limits.Mapping, f.state.Limits.Committed = opt.Of(uint64(1000)), opt.Of(limits.Committed{Largest: gb})
		}}, Fail, "this kernel (before 5.2) thinks"},
		{overcommit, []func(*facts){mode(0), func(f *facts) {
			f.state.Limits.Mapping, f.state.Limits.Committed = opt.Of(uint64(1000)), opt.Of(limits.Committed{Largest: gb})
		}}, Fail, "larger than memory and swap together"},
		{overcommit, []func(*facts){mode(0), func(f *facts) { f.host.Kernel = none[limits.Kernel]() }}, Unknown, "version"},
		{overcommit, []func(*facts){mode(2)}, Warn, "promised too much"},
		{overcommit, []func(*facts){mode(2), func(f *facts) {
			f.state.Limits.Commit, f.state.Limits.Committed = opt.Of(uint64(1000)), opt.Of(limits.Committed{Bytes: gb})
		}}, Fail, "more than the commit limit leaves"},
		{overcommit, []func(*facts){func(f *facts) { f.host.OvercommitMode = noInt }}, Unknown, "ProcSubset"},

		{hugePages, nil, OK, "madvise"},
		{hugePages, []func(*facts){thp("never")}, OK, "never"},
		{hugePages, []func(*facts){thp("always")}, Warn, "on Linux 6.18 a write copies 4 kB all the same"},
		{hugePages, []func(*facts){thp("always"), kernel(5, 7)}, Fail, "on Linux 5.7 one write"},
		{hugePages, []func(*facts){thp("always"), kernel(5, 7), func(f *facts) { f.hugePagesAllowed = opt.Of(false) }}, OK, "switched them off"},
		{hugePages, []func(*facts){thp("always"), func(f *facts) { f.host.Kernel = none[limits.Kernel]() }}, Unknown, "version"},
		{hugePages, []func(*facts){func(f *facts) { f.host.HugePages = noString }}, Unknown, "--path.sysfs"},

		{disableTHP, nil, OK, "no difference now"},
		{disableTHP, []func(*facts){thp("always"), func(f *facts) { f.hugePagesAllowed = opt.Of(false) }}, OK, "has switched"},
		{disableTHP, []func(*facts){thp("always")}, Warn, "restart the server"},
		{disableTHP, []func(*facts){thp("always"), func(f *facts) { f.hugePagesAllowed = noBool }}, OK, "disable-thp is yes"},
		{disableTHP, []func(*facts){thp("always"), func(f *facts) { f.set("disable-thp", "no") }}, Warn, "disable-thp is no"},
		{disableTHP, []func(*facts){thp("always"), refused}, Unknown, "+config|get"},
		{disableTHP, []func(*facts){thp("always"), func(f *facts) { delete(f.settings.values, "disable-thp") }}, Warn, "too old"},

		{diskSpace, nil, OK, "20.0 GB are free in /var/lib/redis; the last save was 1.00 GB"},
		{diskSpace, []func(*facts){func(f *facts) { f.disk = opt.Of(proc.Disk{Path: "/d", Free: gb - 1}) }}, Fail, "would fail"},
		{diskSpace, []func(*facts){func(f *facts) { f.disk = opt.Of(proc.Disk{Path: "/d", Free: gb + 1}) }}, Warn, "until it is whole"},
		{diskSpace, []func(*facts){func(f *facts) { f.rdbFileBytes = none[uint64]() }}, OK, "more than the 1.00 GB that the server holds"},
		{diskSpace, []func(*facts){func(f *facts) { f.rdbFileBytes, f.disk = none[uint64](), opt.Of(proc.Disk{Path: "/d", Free: 1}) }}, Warn, "less than the 1.00 GB"},
		{diskSpace, []func(*facts){func(f *facts) { f.rdbFileBytes, f.state.Info.UsedMemory = none[uint64](), none[uint64]() }}, Unknown, "not known"},
		{diskSpace, []func(*facts){func(f *facts) { f.disk = none[proc.Disk]() }}, Unknown, "CAP_SYS_PTRACE"},

		{lastOutcome, nil, OK, "neither saved nor rewritten"},
		{lastOutcome, []func(*facts){func(f *facts) { f.state.Info.LastBGSaveSeconds = opt.Of(int64(3)) }}, OK, "ended well"},
		{lastOutcome, []func(*facts){recorded(fork.OutcomeOK)}, OK, "(RDB save, 2026-03-04 05:06 UTC) ended: ok"},
		{lastOutcome, []func(*facts){recorded(fork.OutcomeCancelled)}, OK, "cancelled"},
		{lastOutcome, []func(*facts){recorded(fork.OutcomeOOM)}, Fail, "out of memory by SIGKILL after 9.00 s"},
		{lastOutcome, []func(*facts){recorded(fork.OutcomeOK), func(f *facts) { f.state.Info.LastBGSaveOK = opt.Of(false) }}, Fail, "The last save failed."},
		{lastOutcome, []func(*facts){func(f *facts) { f.state.Info.LastAOFRewriteOK = opt.Of(false) }}, Fail, "The last AOF rewrite failed."},

		{stopWrites, nil, OK, "is yes: when a save fails"},
		{stopWrites, []func(*facts){func(f *facts) { f.set("save", "") }}, OK, "nothing without save points"},
		{stopWrites, []func(*facts){func(f *facts) { f.set("stop-writes-on-bgsave-error", "no") }}, OK, "redis_fork_reported_last_save_success"},
		{stopWrites, []func(*facts){func(f *facts) { f.state.Info.LastBGSaveOK = opt.Of(false) }}, Fail, "refuses writes now (MISCONF)"},
		{stopWrites, []func(*facts){refused}, Unknown, "+config|get"},

		{savePoints, nil, OK, "1 change in 3600 s, or 100 changes in 300 s"},
		{savePoints, []func(*facts){func(f *facts) { f.set("save", "") }}, OK, "no AOF"},
		{savePoints, []func(*facts){func(f *facts) { f.set("save", ""); f.state.Info.AOFEnabled = opt.Of(true) }}, OK, "for AOF rewrites"},
		{savePoints, []func(*facts){refused}, Unknown, "may not ask for save"},

		{disklessSync, nil, OK, "is yes"},
		{disklessSync, []func(*facts){func(f *facts) { f.set("repl-diskless-sync", "no") }}, OK, "is no"},
		{disklessSync, []func(*facts){refused}, Unknown, "+config|get"},

		{expectedStall, nil, OK, "20.0 ms"},
		{expectedStall, []func(*facts){recorded(fork.OutcomeOK)}, Warn, "2.00 s"},
		{expectedStall, []func(*facts){func(f *facts) { f.state.Info.LatestFork = none[time.Duration]() }}, Unknown, "--exporter=URL"},

		{process, nil, OK, "process 42"},
		{process, []func(*facts){unknown}, Warn, "it is elsewhere."},
		{process, []func(*facts){unknown, func(f *facts) { f.twin = "a" }}, Warn, `the server "a" under another name; what its process tells is said of that one. leave one of them out`},
		{childMemory, nil, OK, "can be read."},
		{childMemory, []func(*facts){without(fork.SourcePagemap)}, OK, "can be read."}, // the cgroup tells the same
		{childMemory, []func(*facts){without(fork.SourceCgroup)}, OK, "can be read."},
		{childMemory, []func(*facts){without(fork.SourcePagemap, fork.SourceCgroup)}, OK, "has gaps where memory is given back. run this as the server's user and group"},
		{childMemory, []func(*facts){without(fork.SourceChildSmaps, fork.SourcePagemap)}, Warn, words.CgroupCurve},
		{childMemory, []func(*facts){func(f *facts) { f.state.Available = nil }}, Warn, words.NoCurve},
		{childMemory, []func(*facts){unknown}, Unknown, "see process"},
		{outcomes, nil, OK, "this user"},
		{outcomes, []func(*facts){func(f *facts) { f.state.Available = nil }}, OK, "everybody"},
		{outcomes, []func(*facts){func(f *facts) { f.state.Available = nil }, kernel(6, 14)}, Warn, "INFO"},
		{outcomes, []func(*facts){unknown}, Unknown, "see process"},
		{memoryCgroup, nil, OK, "to itself"},
		{memoryCgroup, []func(*facts){func(f *facts) { f.state.Available = nil }}, OK, "of its own"},
		{memoryCgroup, []func(*facts){unknown}, Unknown, "see process"},
		{delayAccounting, nil, OK, "tells how long"},
		{delayAccounting, []func(*facts){func(f *facts) { f.state.Available, f.delayAccounting = nil, opt.Of(false) }}, OK, "set kernel.task_delayacct=1"},
		{delayAccounting, []func(*facts){func(f *facts) { f.state.Available = nil }}, OK, "no CAP_NET_ADMIN"},
		{delayAccounting, []func(*facts){unknown}, Unknown, "see process"},
		{serverSettings, nil, OK, "tells its settings"},
		{serverSettings, []func(*facts){refused}, Unknown, "ACL SETUSER default +config|get"},
		{serverSettings, []func(*facts){func(f *facts) { f.settings = settings{failed: true} }}, Unknown, "stopped answering"},
		{pastForksKnown, nil, OK, "what the server said of its last one"},
		{pastForksKnown, []func(*facts){recorded(fork.OutcomeOK)}, OK, "made of 1 recorded fork"},
		{pastForksKnown, []func(*facts){recorded(fork.OutcomeOK), func(f *facts) { f.state.Recent[0].PeakBytes = none[uint64]() }}, OK, "have no curve"},
		{pastForksKnown, []func(*facts){recorded(fork.OutcomeOK), left(gb / 2), func(f *facts) {
			f.state.Recent[0].PeakBytes, f.state.Info.RDBLastCOWBytes = none[uint64](), none[uint64]()
		}}, Unknown, "could not be read. see child-memory"},
		{pastForksKnown, []func(*facts){recorded(fork.OutcomeOK), func(f *facts) {
			f.state.Recent[0].PeakBytes, f.state.Info.RDBLastCOWBytes = none[uint64](), none[uint64]()
		}}, OK, "nothing to forecast"},
		{pastForksKnown, []func(*facts){func(f *facts) { f.noPast = errors.New("connection refused") }}, Unknown, "connection refused"},
		{pastForksKnown, []func(*facts){left(gb / 2), func(f *facts) { f.state.Info.RDBLastCOWBytes = none[uint64]() }}, Unknown, "nothing to forecast"},
	} {
		f := healthy()
		for _, change := range test.change {
			change(&f)
		}
		got := find(t, f.report(), test.name)
		if said := got.Why + " " + got.Mend; got.Level != test.level || !strings.Contains(said, test.why) {
			t.Errorf("%s is %s: %s\nwant %s: … %s …", test.name, got.Level, said, test.level, test.why)
		}
		if got.Level != OK && got.Level != Unknown && got.Mend == "" {
			t.Errorf("%s says %s and not what mends it: %s", test.name, got.Level, got.Why)
		}
		if !strings.HasSuffix(strings.TrimRight(got.Why, "?"), ".") && !strings.HasSuffix(got.Why, "?") {
			t.Errorf("%s is no sentence: %q", test.name, got.Why)
		}
	}
}

// The worst comes first, and decides the status.
func TestOrderAndStatus(t *testing.T) {
	f := healthy()
	f.set("oom-score-adj", "no")
	f.oomGroup = opt.Of("/x")
	f.disk = none[proc.Disk]()
	r := f.report()
	for i, want := range []string{oomScore, oomGroup, diskSpace, refusedFork} {
		if r.Findings[i].Name != want {
			t.Errorf("finding %d is %s, want %s", i, r.Findings[i].Name, want)
		}
	}
	for _, test := range []struct {
		want int
		f    func(*facts)
	}{
		{StatusOK, func(*facts) {}},
		{StatusWarn, func(f *facts) { f.oomGroup = opt.Of("/x") }},
		{StatusWarn, func(f *facts) { f.disk = none[proc.Disk]() }},
		{StatusFail, func(f *facts) { f.state.Info.LastBGSaveOK = opt.Of(false) }},
		{StatusFail, func(f *facts) { f.state.Limits.Host = opt.Of(uint64(1000)) }}, // the answer is no
		{StatusAsk, func(f *facts) { f.state.Up, f.state.Problem = false, "connection refused" }},
	} {
		f := healthy()
		test.f(&f)
		if r := f.report(); r.Status != test.want {
			t.Errorf("status %d, want %d: %+v", r.Status, test.want, r)
		}
	}
}

// Each finding has its place in the documents, and none of these is without its
// finding.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../../docs/check.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, found []string
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(line, "### "); ok {
			documented = append(documented, strings.TrimSpace(name))
		}
	}
	f := healthy()
	for _, x := range f.report().Findings {
		found = append(found, x.Name)
		if x.Docs != "docs/check.md#"+x.Name {
			t.Errorf("%s is explained in %s", x.Name, x.Docs)
		}
	}
	slices.Sort(documented)
	slices.Sort(found)
	if !slices.Equal(documented, found) {
		t.Errorf("documented are\n%q, found\n%q", documented, found)
	}
}
