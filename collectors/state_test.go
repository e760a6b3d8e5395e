package collectors

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// serverStart and now are the server's start and the moment of the snapshots.
var (
	serverStart = time.Unix(1_790_000_000, 0)
	now         = serverStart.Add(10*time.Hour + 250*time.Millisecond)
)

// totals are the counters of a server that has had forks of the given kinds.
func totals(kinds ...fork.Kind) track.Totals {
	t := track.Totals{
		Stall:         track.NewHistogram(track.StallLimits...),
		PeakRatio:     track.NewHistogram(track.PeakRatioLimits...),
		Children:      map[fork.Kind]uint64{},
		Failed:        map[fork.Kind]map[fork.Reason]uint64{},
		Cancelled:     map[fork.Kind]uint64{},
		ChildSeconds:  map[fork.Kind]float64{},
		Refused:       map[fork.Kind]uint64{},
		ReadErrors:    map[track.ReadError]uint64{},
		Reads:         map[fork.Source]uint64{},
		ReadsDeferred: map[fork.Source]uint64{},
		ReadSeconds:   map[fork.Source]float64{},
	}
	for i, k := range kinds {
		n := uint64(i + 1)
		for range n {
			t.Stall.Observe(.012 * float64(n))
			t.PeakRatio.Observe(.07 * float64(n))
		}
		t.ForkedBytes += n * 2 * gib
		t.Children[k], t.ChildSeconds[k] = n, 7.5*float64(n)
		t.Failed[k] = map[fork.Reason]uint64{fork.ReasonExit: n - 1}
	}
	return t
}

func info() redisinfo.Info {
	return redisinfo.Info{
		Software:               redisinfo.SoftwareRedis,
		Version:                "7.4.1",
		Mode:                   "standalone",
		Role:                   "master",
		RunID:                  "cf741dfdcd5df963b5d77eb3cc200bbfaa968052",
		UptimeSeconds:          opt.Of[int64](36_000),
		RehashingBytes:         opt.Of[uint64](0),
		LastSaveTime:           opt.Of(serverStart.Unix()),
		LastBGSaveOK:           opt.Of(true),
		LastAOFRewriteOK:       opt.Of(true),
		RDBSaves:               opt.Of[uint64](0),
		RDBLastCOWBytes:        opt.Of[uint64](0),
		AOFLastCOWBytes:        opt.Of[uint64](0),
		ChangesSinceLastSave:   opt.Of[uint64](0),
		BGSaveInProgress:       opt.Of(false),
		AOFRewriteInProgress:   opt.Of(false),
		ModuleForkInProgress:   opt.Of(false),
		CurrentCOWBytes:        opt.Of[uint64](0),
		CurrentCOWAgeSeconds:   opt.Of[int64](0),
		SaveKeysProcessed:      opt.Of[uint64](0),
		SaveKeysTotal:          opt.Of[uint64](0),
		TotalForks:             opt.Of[uint64](0),
		MisconfErrors:          opt.Of[uint64](0),
		UsedMemoryRSS:          opt.Of[uint64](2 * gib),
		ModuleForkLastCOWBytes: opt.Of[uint64](0),
	}
}

// idle is a server that is there, with its process, and has never forked.
func idle(name string) track.State {
	i := info()
	return track.State{
		Name: name,
		Addr: "127.0.0.1:6379",
		Up:   true,
		Info: &i, InfoAt: now,
		Available: map[fork.Source]bool{
			fork.SourceProcess: true, fork.SourceChildSmaps: true,
			fork.SourcePagemap: true, fork.SourceCgroup: true, fork.SourceTaskstats: true,
		},
		PID:            opt.Of(4711),
		StartTime:      opt.Of(serverStart.Add(-20 * time.Millisecond)),
		ResidentBytes:  opt.Of[uint64](2 * gib),
		PageTableBytes: opt.Of[uint64](4 * mib),
		AnonymousBytes: opt.Of[uint64](2*gib - 8*mib),
		HugeBytes:      opt.Of[uint64](0),
		WriteRate:      opt.Of(1000.),
		GrowthRate:     opt.Of(0.),
		Limits:         machineLimits(),
		Seen: map[fork.Kind]bool{
			fork.KindRDB: true, fork.KindAOF: true, fork.KindReplication: true,
		},
		Totals:    totals(),
		Last:      map[fork.Kind]track.LastFork{},
		SavePoint: opt.Of(redisinfo.SavePoint{Seconds: 3600, Changes: 1}),
	}
}

// machineLimits are those of a server in a cgroup of 3 GiB, in overcommit mode 2.
func machineLimits() limits.Limits {
	return limits.Limits{
		At: now, CgroupSeen: true, CommitSeen: true,
		Cgroup:    opt.Of(limits.Limit{Path: "/redis.slice", Max: 3 * gib, Left: 900 * mib}),
		High:      opt.Of(limits.Limit{Path: "/redis.slice", Max: 2900 * mib, Left: 800 * mib}),
		Host:      opt.Of[uint64](6 * gib),
		Commit:    opt.Of[uint64](1 * gib),
		Committed: opt.Of(limits.Committed{Bytes: 36 * mib, Largest: 8 * mib}),
		Tasks:     opt.Of(limits.TaskLimit{Name: "pids.max", Left: 100}),
	}
}

// busy is a server in the middle of a save, that has had forks of the given kinds
// and has something to say in every metric.
func busy(name string, kinds ...fork.Kind) track.State {
	s := idle(name)
	i := s.Info
	born := now.Add(-4 * time.Second)
	s.Children = []track.Child{{
		Kind: fork.KindRDB, Start: born,
		Sample: opt.Of(fork.Sample{
			Time:   now.Add(-150 * time.Millisecond),
			Source: fork.SourceChildSmaps, PrivateDirty: 300 * mib, Swap: opt.Of(uint64(4096)), AnonymousHuge: opt.Of(uint64(2 * mib)),
		}),
	}}
	s.COW = opt.Of(fork.Reported{Seconds: 2, COWBytes: 120 * mib})
	s.COWAt = born.Add(2 * time.Second)
	s.Seen = maps.Clone(s.Seen)
	s.Totals = totals(kinds...)
	s.Totals.Refused[fork.KindRDB] = 1
	s.Totals.UnobservedChild, s.Totals.UnobservedDuration = 2, 1
	s.Totals.ReadErrors[track.ReadError{Source: fork.SourceInfo, Reason: "timeout"}] = 3
	s.Totals.Reads[fork.SourceChildSmaps] = 40
	s.Totals.ReadsDeferred[fork.SourceChildSmaps] = 12
	s.Totals.ReadSeconds[fork.SourceChildSmaps] = .25
	s.Totals.Reads[fork.SourceCounters] = 400
	s.Totals.ReadSeconds[fork.SourceCounters] = .0125
	s.Totals.CopiedBytes, s.Totals.CopyStallSeconds = 900*mib, .75
	s.Totals.CopyFaults, s.Totals.TailFaults = 231_000, 190_000
	for n, k := range kinds {
		s.Seen[k] = true
		s.Last[k] = track.LastFork{
			Start:           now.Add(-time.Duration(n+1) * time.Hour),
			Outcome:         fork.OutcomeOK,
			StallSeconds:    opt.Of(.0125),
			LifetimeSeconds: opt.Of(7.5),
			ResidentBytes:   opt.Of[uint64](2 * gib),
			PeakBytes:       opt.Of[uint64](500 * mib),
			ExtraPeakBytes:  opt.Of[uint64](510 * mib),

			CopiedBytes:      opt.Of[uint64](450 * mib),
			CopyStallSeconds: opt.Of(.375),
			TailSeconds:      opt.Of(32.5),
		}
	}
	for _, k := range kinds {
		s.Recent = append(s.Recent, fork.Record{
			Kind: k, Outcome: fork.OutcomeOK,
			StallSeconds: opt.Of(.0125), LifetimeSeconds: opt.Of(7.5), ResidentBytes: opt.Of[uint64](2 * gib),
			ExtraCurve:     []fork.ExtraPoint{{Seconds: 3, Changes: 3000, Bytes: 300 * mib}, {Seconds: 7.5, Changes: 9000, Bytes: 510 * mib}},
			ExtraPeakBytes: opt.Of[uint64](510 * mib),
		})
	}
	s.Limits.Returned, s.Limits.ReturnedTasks = 304*mib, 1
	i.BGSaveInProgress = opt.Of(true)
	i.CurrentCOWBytes, i.CurrentCOWAgeSeconds = opt.Of[uint64](120*mib), opt.Of[int64](2)
	i.SaveKeysProcessed, i.SaveKeysTotal = opt.Of[uint64](250_000), opt.Of[uint64](1_000_000)
	i.TotalForks = opt.Of[uint64](11)
	i.LatestFork = opt.Of(12500 * time.Microsecond)
	i.RDBSaves, i.LastBGSaveSeconds = opt.Of[uint64](3), opt.Of[int64](7)
	i.LastSaveTime = opt.Of(now.Add(-time.Hour).Unix())
	i.LastAOFRewriteSeconds = opt.Of[int64](6)
	i.RDBLastCOWBytes, i.AOFLastCOWBytes, i.ModuleForkLastCOWBytes = opt.Of[uint64](480*mib), opt.Of[uint64](450*mib), opt.Of[uint64](9*mib)
	i.ChangesSinceLastSave = opt.Of[uint64](123_456)
	i.MisconfErrors = opt.Of[uint64](17)
	i.RehashingBytes = opt.Of[uint64](16 * mib)
	return s
}

// threeKinds are the ones whose series exist from the start.
var threeKinds = []fork.Kind{fork.KindRDB, fork.KindAOF, fork.KindReplication}

// fourKinds are the ones that a server with AOF, replicas and modules has.
var fourKinds = []fork.Kind{fork.KindRDB, fork.KindAOF, fork.KindReplication, fork.KindModule}

func fullHost() limits.Host {
	return limits.Host{OvercommitMode: opt.Of(2), HugePages: opt.Of("madvise"), Kernel: opt.Of(limits.Kernel{Major: 6, Minor: 18})}
}

func registry(t *testing.T, s history.Snapshot) *prometheus.Registry {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(New(func() history.Snapshot { return s })); err != nil {
		t.Fatal(err)
	}
	return reg
}

// exposition is what a scrape of s would read.
func exposition(t *testing.T, s history.Snapshot) string {
	t.Helper()
	families, err := registry(t, s).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

// series are an exposition's samples: what is left of a line's last space is the
// key, what is right of it the value.
type series map[string]string

func seriesOf(t *testing.T, servers ...track.State) series {
	t.Helper()
	out := series{}
	for line := range strings.Lines(exposition(t, history.Snapshot{Servers: servers, Host: fullHost()})) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "redis_fork_host_") {
			continue
		}
		cut := strings.LastIndexByte(line, ' ')
		out[line[:cut]] = line[cut+1:]
	}
	return out
}

// want fails unless each key, the metric's name without the prefix "redis_fork_"
// and its labels without the server, has its value; "" is: no such series. The
// server's name must be "s".
func (s series) want(t *testing.T, want map[string]string) {
	t.Helper()
	for key, value := range want {
		name, labels, _ := strings.Cut(strings.TrimSuffix(key, "}"), "{")
		// Labels are in alphabetical order, as in an exposition, where le is the last.
		var all []string
		placed := false
		for l := range strings.SplitSeq(labels, ",") {
			if l == "" {
				continue
			}
			if !placed && (l > "server" || strings.HasPrefix(l, "le=")) {
				all, placed = append(all, `server="s"`), true
			}
			all = append(all, l)
		}
		if !placed {
			all = append(all, `server="s"`)
		}
		full := "redis_fork_" + name + "{" + strings.Join(all, ",") + "}"
		got, ok := s[full]
		switch {
		case value == "" && ok:
			t.Errorf("%s is %s, want no series", full, got)
		case value != "" && !ok:
			t.Errorf("%s is missing, want %s", full, value)
		case value != "" && got != value:
			t.Errorf("%s is %s, want %s", full, got, value)
		}
	}
}

// none fails if there is any series of the metrics.
func (s series) none(t *testing.T, metrics ...string) {
	t.Helper()
	for _, m := range metrics {
		for key := range s {
			if name, _, _ := strings.Cut(key, "{"); name == "redis_fork_"+m {
				t.Errorf("%s exists, want no series of it", key)
			}
		}
	}
}
