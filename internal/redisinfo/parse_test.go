package redisinfo_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

var deep = cmp.Exporter(func(reflect.Type) bool { return true })

// The expected values were read from the files by eye.
var fixtures = map[string]redisinfo.Info{
	"redis-2.8/rdb-running": {
		Software: "redis", Version: "2.8.24", Mode: "standalone", RunID: "38090f14910acfe8b6b00ffb50a4e4a0938e344c",
		ProcessID: opt.Of(15698), TCPPort: opt.Of(7110), UptimeSeconds: opt.Of[int64](8), Hz: opt.Of(10),
		UsedMemory: opt.Of[uint64](412712200), UsedMemoryRSS: opt.Of[uint64](423837696),
		Loading: opt.Of(false), ChangesSinceLastSave: opt.Of[uint64](3018930), BGSaveInProgress: opt.Of(true),
		LastSaveTime: opt.Of[int64](1795219982), LastBGSaveOK: opt.Of(true), CurrentBGSaveSeconds: opt.Of[int64](1),
		AOFEnabled: opt.Of(false), AOFRewriteInProgress: opt.Of(false), LastAOFRewriteOK: opt.Of(true),
		LatestFork: opt.Of(13446 * time.Microsecond), CommandsProcessed: opt.Of[uint64](3018939), FullSyncs: opt.Of[uint64](0),
		Role: "master", ReplicasWaiting: opt.Of(0), ReplicasSending: opt.Of(0),
	},
	"redis-2.8/rdb-done": {
		Software: "redis", Version: "2.8.24", Mode: "standalone", RunID: "38090f14910acfe8b6b00ffb50a4e4a0938e344c",
		ProcessID: opt.Of(15698), TCPPort: opt.Of(7110), UptimeSeconds: opt.Of[int64](12), Hz: opt.Of(10),
		UsedMemory: opt.Of[uint64](420949992), UsedMemoryRSS: opt.Of[uint64](432226304),
		Loading: opt.Of(false), ChangesSinceLastSave: opt.Of[uint64](235858), BGSaveInProgress: opt.Of(false),
		LastSaveTime: opt.Of[int64](1795219992), LastBGSaveOK: opt.Of(true), LastBGSaveSeconds: opt.Of[int64](3),
		AOFEnabled: opt.Of(false), AOFRewriteInProgress: opt.Of(false), LastAOFRewriteOK: opt.Of(true),
		LatestFork: opt.Of(13446 * time.Microsecond), CommandsProcessed: opt.Of[uint64](3235868), FullSyncs: opt.Of[uint64](0),
		Role: "master", ReplicasWaiting: opt.Of(0), ReplicasSending: opt.Of(0),
	},
	// latest_fork_usec is 0 in this one: it never forked.
	"redis-3.2/idle-never-saved": {
		Software: "redis", Version: "3.2.13", Mode: "standalone", RunID: "736df8107b3d0894dd76b5bc99c0176b4710f178",
		Executable: "/usr/bin/redis-server",
		ProcessID:  opt.Of(15827), TCPPort: opt.Of(7111), UptimeSeconds: opt.Of[int64](6), Hz: opt.Of(10),
		UsedMemory: opt.Of[uint64](391140560), UsedMemoryRSS: opt.Of[uint64](403296256),
		MaxMemory: opt.Of[uint64](0), TotalSystemMemory: opt.Of[uint64](25276502016),
		Loading: opt.Of(false), ChangesSinceLastSave: opt.Of[uint64](3000000), BGSaveInProgress: opt.Of(false),
		LastSaveTime: opt.Of[int64](1795219998), LastBGSaveOK: opt.Of(true),
		AOFEnabled: opt.Of(false), AOFRewriteInProgress: opt.Of(false), LastAOFRewriteOK: opt.Of(true),
		CommandsProcessed: opt.Of[uint64](3000003), FullSyncs: opt.Of[uint64](0),
		Role: "master", ReplicasWaiting: opt.Of(0), ReplicasSending: opt.Of(0),
	},
	"redis-5.0/aof-done": {
		Software: "redis", Version: "5.0.14", Mode: "standalone", RunID: "eb14c925da7050a9b8c914c1eb042b0a6d077eff",
		Executable: "/usr/bin/redis-server",
		ProcessID:  opt.Of(16065), TCPPort: opt.Of(7113), UptimeSeconds: opt.Of[int64](14), Hz: opt.Of(10),
		UsedMemory: opt.Of[uint64](399611000), UsedMemoryRSS: opt.Of[uint64](406892544),
		MaxMemory: opt.Of[uint64](0), TotalSystemMemory: opt.Of[uint64](25276502016),
		AOFBufferBytes: opt.Of[uint64](0), ReplicationBytes: opt.Of[uint64](0),
		Loading: opt.Of(false), ChangesSinceLastSave: opt.Of[uint64](232355), BGSaveInProgress: opt.Of(false),
		LastSaveTime: opt.Of[int64](1795220037), LastBGSaveOK: opt.Of(true), LastBGSaveSeconds: opt.Of[int64](3),
		RDBLastCOWBytes: opt.Of[uint64](325533696),
		AOFEnabled:      opt.Of(true), AOFRewriteInProgress: opt.Of(false), LastAOFRewriteOK: opt.Of(true),
		LastAOFRewriteSeconds: opt.Of[int64](2), AOFLastCOWBytes: opt.Of[uint64](132243456),
		LatestFork: opt.Of(15988 * time.Microsecond), CommandsProcessed: opt.Of[uint64](3232369), FullSyncs: opt.Of[uint64](0),
		Role: "master", ReplicasWaiting: opt.Of(0), ReplicasSending: opt.Of(0),
	},
	"redis-6.2/rdb-running": {
		Software: "redis", Version: "6.2.16", Mode: "standalone", RunID: "b9e19a992dae7a65902f7b7ed316f33a14b2203d",
		Executable: "/usr/bin/redis-server",
		ProcessID:  opt.Of(16329), TCPPort: opt.Of(7115), UptimeSeconds: opt.Of[int64](4), Hz: opt.Of(10),
		UsedMemory: opt.Of[uint64](29738512), UsedMemoryRSS: opt.Of[uint64](33849344),
		MaxMemory: opt.Of[uint64](0), TotalSystemMemory: opt.Of[uint64](25276502016),
		AOFBufferBytes: opt.Of[uint64](0), ReplicationBytes: opt.Of[uint64](0),
		Loading: opt.Of(false), CurrentCOWBytes: opt.Of[uint64](26750976), CurrentCOWAgeSeconds: opt.Of[int64](1),
		SaveKeysProcessed: opt.Of[uint64](11265), SaveKeysTotal: opt.Of[uint64](86447),
		ChangesSinceLastSave: opt.Of[uint64](311507), BGSaveInProgress: opt.Of(true),
		LastSaveTime: opt.Of[int64](1795220053), LastBGSaveOK: opt.Of(true), CurrentBGSaveSeconds: opt.Of[int64](2),
		RDBLastCOWBytes: opt.Of[uint64](0),
		AOFEnabled:      opt.Of(false), AOFRewriteInProgress: opt.Of(false), LastAOFRewriteOK: opt.Of(true),
		AOFLastCOWBytes: opt.Of[uint64](0), ModuleForkInProgress: opt.Of(false), ModuleForkLastCOWBytes: opt.Of[uint64](0),
		TotalForks: opt.Of[uint64](1), LatestFork: opt.Of(1426 * time.Microsecond), CommandsProcessed: opt.Of[uint64](311516),
		FullSyncs: opt.Of[uint64](0), MisconfErrors: opt.Of[uint64](0),
		Role: "master", ReplicasWaiting: opt.Of(0), ReplicasSending: opt.Of(0),
	},
	"redis-7.2/aof-running": {
		Software: "redis", Version: "7.2.6", Mode: "standalone", RunID: "52acdd2a1117a973a56c54be59e16bfed55bc308",
		Executable: "/usr/bin/redis-server",
		ProcessID:  opt.Of(16472), TCPPort: opt.Of(7116), UptimeSeconds: opt.Of[int64](11), Hz: opt.Of(10),
		UsedMemory: opt.Of[uint64](30438264), UsedMemoryRSS: opt.Of[uint64](38473728),
		MaxMemory: opt.Of[uint64](0), TotalSystemMemory: opt.Of[uint64](25276502016),
		AOFBufferBytes: opt.Of[uint64](8), ReplicationBytes: opt.Of[uint64](0),
		Loading: opt.Of(false), CurrentCOWBytes: opt.Of[uint64](294912), CurrentCOWPeakBytes: opt.Of[uint64](294912), CurrentCOWAgeSeconds: opt.Of[int64](0),
		SaveKeysProcessed: opt.Of[uint64](1), SaveKeysTotal: opt.Of[uint64](98385),
		ChangesSinceLastSave: opt.Of[uint64](213301), BGSaveInProgress: opt.Of(false),
		LastSaveTime: opt.Of[int64](1795220075), LastBGSaveOK: opt.Of(true), LastBGSaveSeconds: opt.Of[int64](8),
		RDBSaves: opt.Of[uint64](1), RDBLastCOWBytes: opt.Of[uint64](26996736),
		AOFEnabled: opt.Of(true), AOFRewriteInProgress: opt.Of(true), LastAOFRewriteOK: opt.Of(true),
		AOFRewrites: opt.Of[uint64](1), AOFLastCOWBytes: opt.Of[uint64](0),
		ModuleForkInProgress: opt.Of(false), ModuleForkLastCOWBytes: opt.Of[uint64](0),
		TotalForks: opt.Of[uint64](2), LatestFork: opt.Of(2373 * time.Microsecond), CommandsProcessed: opt.Of[uint64](413314),
		FullSyncs: opt.Of[uint64](0), MisconfErrors: opt.Of[uint64](0),
		Role: "master", ReplicasWaiting: opt.Of(0), ReplicasSending: opt.Of(0),
	},
	"redis-7.4/aof-done": {
		Software: "redis", Version: "7.4.1", Mode: "standalone", RunID: "cf741dfdcd5df963b5d77eb3cc200bbfaa968052",
		Executable: "/usr/bin/redis-server",
		ProcessID:  opt.Of(16741), TCPPort: opt.Of(7117), UptimeSeconds: opt.Of[int64](21), Hz: opt.Of(10),
		UsedMemory: opt.Of[uint64](30525520), UsedMemoryRSS: opt.Of[uint64](39251968),
		MaxMemory: opt.Of[uint64](0), TotalSystemMemory: opt.Of[uint64](25276502016), RehashingBytes: opt.Of[uint64](0),
		AOFBufferBytes: opt.Of[uint64](8), ReplicationBytes: opt.Of[uint64](0),
		Loading: opt.Of(false), CurrentCOWBytes: opt.Of[uint64](0), CurrentCOWPeakBytes: opt.Of[uint64](0), CurrentCOWAgeSeconds: opt.Of[int64](0),
		SaveKeysProcessed: opt.Of[uint64](0), SaveKeysTotal: opt.Of[uint64](0),
		ChangesSinceLastSave: opt.Of[uint64](212894), BGSaveInProgress: opt.Of(false),
		LastSaveTime: opt.Of[int64](1795220096), LastBGSaveOK: opt.Of(true), LastBGSaveSeconds: opt.Of[int64](8),
		RDBSaves: opt.Of[uint64](1), RDBLastCOWBytes: opt.Of[uint64](27090944),
		AOFEnabled: opt.Of(true), AOFRewriteInProgress: opt.Of(false), LastAOFRewriteOK: opt.Of(true),
		LastAOFRewriteSeconds: opt.Of[int64](9), AOFRewrites: opt.Of[uint64](1), AOFLastCOWBytes: opt.Of[uint64](585728),
		ModuleForkInProgress: opt.Of(false), ModuleForkLastCOWBytes: opt.Of[uint64](0),
		TotalForks: opt.Of[uint64](2), LatestFork: opt.Of(1505 * time.Microsecond), CommandsProcessed: opt.Of[uint64](412908),
		FullSyncs: opt.Of[uint64](0), MisconfErrors: opt.Of[uint64](0),
		Role: "master", ReplicasWaiting: opt.Of(0), ReplicasSending: opt.Of(0),
	},
	"valkey-8.0/rdb-running": {
		Software: "valkey", Version: "8.0.1", Mode: "standalone", RunID: "79f72c12c9e752fa6ae9778aa756af8f26dd6ba9",
		Executable: "/usr/bin/redis-server",
		ProcessID:  opt.Of(17288), TCPPort: opt.Of(7130), UptimeSeconds: opt.Of[int64](4), Hz: opt.Of(10),
		UsedMemory: opt.Of[uint64](28710112), UsedMemoryRSS: opt.Of[uint64](37060608),
		MaxMemory: opt.Of[uint64](0), TotalSystemMemory: opt.Of[uint64](25276502016), RehashingBytes: opt.Of[uint64](0),
		AOFBufferBytes: opt.Of[uint64](0), ReplicationBytes: opt.Of[uint64](0),
		Loading: opt.Of(false), CurrentCOWBytes: opt.Of[uint64](26427392), CurrentCOWPeakBytes: opt.Of[uint64](26427392), CurrentCOWAgeSeconds: opt.Of[int64](1),
		SaveKeysProcessed: opt.Of[uint64](12289), SaveKeysTotal: opt.Of[uint64](86322),
		ChangesSinceLastSave: opt.Of[uint64](297229), BGSaveInProgress: opt.Of(true),
		LastSaveTime: opt.Of[int64](1795220128), LastBGSaveOK: opt.Of(true), CurrentBGSaveSeconds: opt.Of[int64](2),
		RDBSaves: opt.Of[uint64](1), RDBLastCOWBytes: opt.Of[uint64](0),
		AOFEnabled: opt.Of(false), AOFRewriteInProgress: opt.Of(false), LastAOFRewriteOK: opt.Of(true),
		AOFRewrites: opt.Of[uint64](0), AOFLastCOWBytes: opt.Of[uint64](0),
		ModuleForkInProgress: opt.Of(false), ModuleForkLastCOWBytes: opt.Of[uint64](0),
		TotalForks: opt.Of[uint64](1), LatestFork: opt.Of(1227 * time.Microsecond), CommandsProcessed: opt.Of[uint64](297238),
		FullSyncs: opt.Of[uint64](0), MisconfErrors: opt.Of[uint64](0),
		Role: "master", ReplicasWaiting: opt.Of(0), ReplicasSending: opt.Of(0),
	},
}

func TestParseFixtures(t *testing.T) {
	for name, want := range fixtures {
		t.Run(name, func(t *testing.T) {
			got, err := redisinfo.Parse(fixture(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, deep); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

// Every recorded reply, also those without expected values above, is
// understood in the fields that all versions have.
func TestParseAllFixtures(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) != 34 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(f, "testdata/"), ".txt")
		i, err := redisinfo.Parse(fixture(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		version, state, _ := strings.Cut(name, "/")
		software, release, _ := strings.Cut(version, "-")
		if i.Software != software || !strings.HasPrefix(i.Version, release+".") {
			t.Errorf("%s: %s %s", name, i.Software, i.Version)
		}
		if got, want := i.BGSaveInProgress, opt.Of(state == "rdb-running"); got != want {
			t.Errorf("%s: BGSaveInProgress %v", name, got)
		}
		if got, want := i.AOFRewriteInProgress, opt.Of(state == "aof-running"); got != want {
			t.Errorf("%s: AOFRewriteInProgress %v", name, got)
		}
		if i.LatestFork.Present() != (state != "idle-never-saved") {
			t.Errorf("%s: LatestFork %v", name, i.LatestFork)
		}
		if i.LastBGSaveSeconds.Present() != (state != "idle-never-saved" && state != "rdb-running") {
			t.Errorf("%s: LastBGSaveSeconds %v", name, i.LastBGSaveSeconds)
		}
	}
}

// server is a first section, and the header that completes it.
const server = "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n\r\n# Rest\r\n"

func TestParseFields(t *testing.T) {
	type info = redisinfo.Info
	tests := []struct {
		name, text string
		got        func(info) any
		want       any
	}{
		{"LF alone", "redis_version:1.2.3\nrole:master\n# x\n", func(i info) any { return i.Version + i.Role }, "1.2.3master"},
		{"first of two counts", server + "total_forks:1\r\ntotal_forks:2\r\n", func(i info) any { return i.TotalForks }, opt.Of[uint64](1)},
		{"rubbish, then a number", server + "total_forks:x\r\ntotal_forks:2\r\n", func(i info) any { return i.TotalForks }, opt.Of[uint64](2)},
		{"no line end", server + "total_forks:1", func(i info) any { return i.TotalForks }, opt.Val[uint64]{}},
		{"cut CRLF", server + "total_forks:1\r", func(i info) any { return i.TotalForks }, opt.Val[uint64]{}},
		{"rubbish lines", server + "\x00\xff\r\n:\r\n::\r\nx\r\n\r\n#\r\ntotal_forks:1\r\n", func(i info) any { return i.TotalForks }, opt.Of[uint64](1)},
		{"key in another case", server + "TOTAL_FORKS:1\r\n", func(i info) any { return i.TotalForks }, opt.Val[uint64]{}},
		{"largest total", server + "total_forks:18446744073709551615\r\n", func(i info) any { return i.TotalForks }, opt.Of[uint64](math.MaxUint64)},
		{"too large a total", server + "total_forks:18446744073709551616\r\n", func(i info) any { return i.TotalForks }, opt.Val[uint64]{}},
		{"far too large a total", server + "total_forks:99999999999999999999\r\n", func(i info) any { return i.TotalForks }, opt.Val[uint64]{}},
		{"negative total", server + "used_memory:-1\r\n", func(i info) any { return i.UsedMemory }, opt.Val[uint64]{}},
		{"plus sign", server + "used_memory:+1\r\n", func(i info) any { return i.UsedMemory }, opt.Val[uint64]{}},
		{"fraction", server + "used_memory:1.5\r\n", func(i info) any { return i.UsedMemory }, opt.Val[uint64]{}},
		{"space", server + "used_memory: 1\r\n", func(i info) any { return i.UsedMemory }, opt.Val[uint64]{}},
		{"empty", server + "used_memory:\r\n", func(i info) any { return i.UsedMemory }, opt.Val[uint64]{}},
		{"-1 seconds", server + "rdb_current_bgsave_time_sec:-1\r\n", func(i info) any { return i.CurrentBGSaveSeconds }, opt.Val[int64]{}},
		{"0 seconds", server + "rdb_current_bgsave_time_sec:0\r\n", func(i info) any { return i.CurrentBGSaveSeconds }, opt.Of[int64](0)},
		{"too many seconds", server + "uptime_in_seconds:9223372036854775808\r\n", func(i info) any { return i.UptimeSeconds }, opt.Val[int64]{}},
		{"fork of 0", server + "latest_fork_usec:0\r\n", func(i info) any { return i.LatestFork }, opt.Val[time.Duration]{}},
		{"fork of 1", server + "latest_fork_usec:1\r\n", func(i info) any { return i.LatestFork }, opt.Of(time.Microsecond)},
		{"fork too long for a Duration", server + "latest_fork_usec:9223372036854776\r\n", func(i info) any { return i.LatestFork }, opt.Val[time.Duration]{}},
		{"port 0", server + "tcp_port:0\r\n", func(i info) any { return i.TCPPort }, opt.Of(0)},
		{"port too large", server + "tcp_port:65536\r\n", func(i info) any { return i.TCPPort }, opt.Val[int]{}},
		{"pid 0", server + "process_id:0\r\n", func(i info) any { return i.ProcessID }, opt.Val[int]{}},
		{"flag 2", server + "rdb_bgsave_in_progress:2\r\n", func(i info) any { return i.BGSaveInProgress }, opt.Val[bool]{}},
		{"status err", server + "rdb_last_bgsave_status:err\r\n", func(i info) any { return i.LastBGSaveOK }, opt.Of(false)},
		{"status unknown", server + "rdb_last_bgsave_status:fine\r\n", func(i info) any { return i.LastBGSaveOK }, opt.Val[bool]{}},
		{"mode that is no label", server + "run_id:\xff\xfe\r\n", func(i info) any { return i.RunID }, ""},
		{"run id far too long", server + "run_id:" + strings.Repeat("a", 65) + "\r\n", func(i info) any { return i.RunID }, ""},
		{"module", server + "# Modules\r\nmodule:name=search,ver=20811\r\n", func(i info) any { return i.ModulesLoaded }, true},
		{"no module", server + "# Modules\r\n\r\n# X\r\n", func(i info) any { return i.ModulesLoaded }, false},
		{"slave's buffers before 7.0", server + "mem_clients_slaves:5\r\n# X\r\n", func(i info) any { return i.ReplicationBytes }, opt.Of[uint64](5)},
		{"all buffers since 7.0", server + "mem_clients_slaves:5\r\nmem_total_replication_buffers:7\r\n# X\r\n", func(i info) any { return i.ReplicationBytes }, opt.Of[uint64](7)},

		{"misconf", server + "# Errorstats\r\nerrorstat_MISCONF:count=12\r\n", func(i info) any { return i.MisconfErrors }, opt.Of[uint64](12)},
		{"other errors only", server + "# Errorstats\r\nerrorstat_ERR:count=3\r\n\r\n# Cluster\r\n", func(i info) any { return i.MisconfErrors }, opt.Of[uint64](0)},
		{"no section", server, func(i info) any { return i.MisconfErrors }, opt.Val[uint64]{}},
		{"section not complete", server + "# Errorstats\r\nerrorstat_ERR:count=3\r\n", func(i info) any { return i.MisconfErrors }, opt.Val[uint64]{}},
		{"misconf rubbish", server + "# Errorstats\r\nerrorstat_MISCONF:count=many\r\n# X\r\n", func(i info) any { return i.MisconfErrors }, opt.Val[uint64]{}},
		{"errors not listed any more", server + "# Errorstats\r\nerrorstat_ERRORSTATS_OVERFLOW:count=1\r\n# X\r\n", func(i info) any { return i.MisconfErrors }, opt.Val[uint64]{}},

		{
			"replicas", server + "# Replication\r\nrole:slave\r\nslave0:ip=::1,port=1,state=wait_bgsave,offset=0\r\nslave1:ip=a,port=1,state=send_bulk\r\n" +
				"slave12:ip=a,state=send_bulk_and_stream\r\nslave3:ip=a,state=online\r\nslave_repl_offset:1\r\nslaves:state=wait_bgsave\r\n# X\r\n",
			func(i info) any { return fmt.Sprint(i.Role, i.ReplicasWaiting, i.ReplicasSending) }, fmt.Sprint("slave", opt.Of(1), opt.Of(2)),
		},
		{"replicas of 2.6", server + "# Replication\r\nslave0:10.0.0.1,6380,online\r\n# X\r\n", func(i info) any { return i.ReplicasSending }, opt.Of(0)},
		{"replicas not complete", server + "# Replication\r\nslave0:state=wait_bgsave\r\n", func(i info) any { return i.ReplicasWaiting }, opt.Val[int]{}},
		{"no replication section", server, func(i info) any { return i.ReplicasWaiting }, opt.Val[int]{}},

		{"forkless save", server + "rdb_bgsave_in_progress:1\r\nrdb_current_bgsave_type:forkless\r\n", func(i info) any { return i.ForklessSave }, true},
		{"forked save", server + "rdb_bgsave_in_progress:1\r\nrdb_current_bgsave_type:fork\r\n", func(i info) any { return i.ForklessSave }, false},
		{"no save", server + "rdb_bgsave_in_progress:0\r\nrdb_current_bgsave_type:none\r\n", func(i info) any { return i.ForklessSave }, false},
		{"last save was forkless", server + "rdb_bgsave_in_progress:0\r\nrdb_last_bgsave_type:forkless\r\n", func(i info) any { return i.ForklessSave }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i, err := redisinfo.Parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.got(i); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestParseSoftware(t *testing.T) {
	for _, tt := range []struct{ name, text, software, version string }{
		{"redis", "redis_version:7.0.15\r\nexecutable:/usr/bin/redis-server\r\n", "redis", "7.0.15"},
		{"valkey", "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\nserver_mode:cluster\r\n", "valkey", "8.1.0"},
		{"valkey without its version", "redis_version:7.2.4\r\nserver_name:valkey\r\n", "valkey", "7.2.4"},
		{"valkey alone", "valkey_version:9.2.0\r\n", "valkey", "9.2.0"},
		{"keydb by its program", "redis_version:6.3.4\r\nexecutable:/usr/local/bin/keydb-server\r\n", "keydb", "6.3.4"},
		{"keydb by its section", "redis_version:6.3.4\r\nexecutable:/usr/local/bin/server\r\n\r\n# KeyDB\r\nmvcc_depth:0\r\n", "keydb", "6.3.4"},
		{"keydb by its threads", "redis_version:6.3.4\r\n\r\n# CPU\r\nserver_threads:2\r\n", "keydb", "6.3.4"},
		{"a directory named keydb", "redis_version:7.0.15\r\nexecutable:/opt/keydb/redis-server\r\n", "redis", "7.0.15"},
		{"dragonfly", "redis_version:7.4.0\r\ndragonfly_version:df-v1.25.0\r\nexecutable:dragonfly\r\n", "dragonfly", "df-v1.25.0"},
	} {
		i, err := redisinfo.Parse([]byte("# Server\r\n" + tt.text + "\r\n# End\r\n"))
		if err != nil || i.Software != tt.software || i.Version != tt.version {
			t.Errorf("%s: %q %q, %v", tt.name, i.Software, i.Version, err)
		}
	}
}

func TestParseNoInfo(t *testing.T) {
	for _, text := range []string{
		"", "\r\n", "PONG", "+OK\r\n", "redis_version:7.0.15", "# Server\r\nredis_version:7.0.15\r\n",
		"# Server\r\nredis_version:\r\n\r\n# Clients\r\n", "# Sentinel\r\nsentinel_masters:0\r\n", "<html>\r\nredis_version\r\n",
		"# Server\r\nredis_version:7.0 15\r\n# X\r\n",
	} {
		if i, err := redisinfo.Parse([]byte(text)); !errors.Is(err, redisinfo.ErrNotInfo) || i != (redisinfo.Info{}) {
			t.Errorf("%q: %+v, %v; want ErrNotInfo", text, i, err)
		}
	}
}

func TestParseDoesNotKeepTheBuffer(t *testing.T) {
	b := fixture(t, "redis-7.4/aof-done")
	i, err := redisinfo.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if diff := cmp.Diff(fixtures["redis-7.4/aof-done"], i, deep); diff != "" {
		t.Error(diff)
	}
}

// A reply that was cut at any byte may say less than the whole, never anything else.
func TestParseCut(t *testing.T) {
	for name := range fixtures {
		b := fixture(t, name)
		whole, err := redisinfo.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		step := 7 // all cuts of all fixtures take long under the race detector
		if name == "valkey-8.0/rdb-running" {
			step = 1
		}
		for n := 0; n < len(b); n += step {
			checkCut(t, whole, b[:n])
		}
	}
}

func FuzzParse(f *testing.F) {
	for name := range fixtures {
		f.Add(fixture(f, name), uint16(1000))
	}
	f.Add([]byte(server+"# Errorstats\r\n# Replication\r\nslave0:state=send_bulk\r\nrdb_bgsave_in_progress:1\nrdb_current_bgsave_type:forkless\n# KeyDB\nmvcc_depth:0\n"), uint16(70))
	f.Fuzz(func(t *testing.T, b []byte, n uint16) {
		first, err1 := redisinfo.Parse(b)
		second, err2 := redisinfo.Parse(b)
		if first != second || !errors.Is(err2, err1) {
			t.Errorf("twice: %+v, %v and %+v, %v", first, err1, second, err2)
		}
		if err1 == nil {
			checkCut(t, first, b[:min(int(n), len(b))])
		} else if i, err := redisinfo.Parse(b[:min(int(n), len(b))]); err == nil {
			t.Errorf("the beginning is an INFO reply, the whole is none: %+v", i)
		}
	})
}

// checkCut compares the parse of the beginning of a reply with that of the
// whole: each field is zero (absent) or the same.
func checkCut(t *testing.T, whole redisinfo.Info, beginning []byte) {
	t.Helper()
	cut, err := redisinfo.Parse(beginning)
	if err != nil {
		if !errors.Is(err, redisinfo.ErrNotInfo) || cut != (redisinfo.Info{}) {
			t.Errorf("cut at %d: %+v, %v", len(beginning), cut, err)
		}
		return
	}
	c, w := reflect.ValueOf(cut), reflect.ValueOf(whole)
	for i := range c.NumField() {
		name := c.Type().Field(i).Name
		if name == "Software" && whole.Software == redisinfo.SoftwareKeyDB {
			continue // the documented exception
		}
		if !c.Field(i).IsZero() && !c.Field(i).Equal(w.Field(i)) {
			t.Errorf("cut at %d: %s is %v, of the whole %v", len(beginning), name, c.Field(i), w.Field(i))
		}
	}
}

func TestParseSavePoints(t *testing.T) {
	type point = redisinfo.SavePoint
	for text, want := range map[string]opt.Val[point]{
		"":                         {},
		"3600 1 300 100 60 10000":  opt.Of(point{3600, 1}),
		"60 10000 900 1":           opt.Of(point{900, 1}),
		"900 5000 60 10000":        opt.Of(point{900, 5000}),
		"60 100 60 10":             opt.Of(point{60, 10}),
		"1 1":                      opt.Of(point{1, 1}),
		"0 0":                      opt.Of(point{0, 0}),
		"3600":                     {},
		"3600 1 300":               {},
		"a b":                      {},
		"3600 x":                   {},
		"-1 1":                     {},
		"99999999999999999999 100": {},
		"100 99999999999999999999": {},
	} {
		if got := redisinfo.ParseSavePoints(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := fixture(b, "valkey-8.0/rdb-running")
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := redisinfo.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	return b
}
