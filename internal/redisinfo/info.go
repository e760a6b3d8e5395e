package redisinfo

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Software names of the servers that are told apart.
const (
	SoftwareRedis     = "redis"
	SoftwareValkey    = "valkey"
	SoftwareKeyDB     = "keydb"
	SoftwareDragonfly = "dragonfly"
)

// Info is what one reply to INFO says, of what this project needs.
//
// A field that the server did not send, or sent as rubbish, is absent; so is a
// -1 in the *_time_sec fields, which means "idle" or "never". No field is ever
// filled with a default.
type Info struct {
	// Server.
	Software      string         // one of the Software constants
	Version       string         // the server's own version (Valkey's, not the Redis version it mimics)
	Mode          string         // standalone, cluster, sentinel; "" when not sent
	RunID         string         // 40 hex digits, new at every start of the server
	Executable    string         // absolute path as the server saw it (since 3.2)
	ProcessID     opt.Val[int]   // in the server's own PID namespace
	TCPPort       opt.Val[int]   // 0 when the server listens on a unix socket (or TLS) only
	UptimeSeconds opt.Val[int64] // whole seconds
	Hz            opt.Val[int]   // timer frequency: children are reaped at this rate
	ModulesLoaded bool           // at least one "module:" line in section Modules

	// Memory, bytes.
	UsedMemory        opt.Val[uint64]
	UsedMemoryRSS     opt.Val[uint64]
	MaxMemory         opt.Val[uint64] // 0: no limit
	TotalSystemMemory opt.Val[uint64]
	RehashingBytes    opt.Val[uint64] // mem_overhead_db_hashtable_rehashing (7.4+)
	AOFBufferBytes    opt.Val[uint64] // mem_aof_buffer
	ReplicationBytes  opt.Val[uint64] // mem_total_replication_buffers (7.0+), else mem_clients_slaves

	// Persistence.
	Loading                opt.Val[bool]
	CurrentCOWBytes        opt.Val[uint64] // current_cow_size (6.2+): stale by seconds to minutes; 0 in a child's first second
	CurrentCOWPeakBytes    opt.Val[uint64] // current_cow_peak (7.0+)
	CurrentCOWAgeSeconds   opt.Val[int64]  // current_cow_size_age (6.2.2+): 0 is "fresh" or "never"
	SaveKeysProcessed      opt.Val[uint64] // current_save_keys_processed (6.2+)
	SaveKeysTotal          opt.Val[uint64] // current_save_keys_total (6.2+)
	ChangesSinceLastSave   opt.Val[uint64]
	BGSaveInProgress       opt.Val[bool]   // 1 in diskless syncs too; see ForklessSave
	ForklessSave           bool            // Valkey 9.2+: rdb_current_bgsave_type says there is no child
	LastSaveTime           opt.Val[int64]  // Unix seconds; the server's start counts as one here: see the package's docs
	LastBGSaveOK           opt.Val[bool]   // disk saves only
	LastBGSaveSeconds      opt.Val[int64]  // absent: never
	CurrentBGSaveSeconds   opt.Val[int64]  // absent: idle
	RDBSaves               opt.Val[uint64] // attempts, counted before the fork (7.0+); foreground SAVE counts too
	RDBLastCOWBytes        opt.Val[uint64]
	AOFEnabled             opt.Val[bool]
	AOFRewriteInProgress   opt.Val[bool]
	LastAOFRewriteOK       opt.Val[bool]
	LastAOFRewriteSeconds  opt.Val[int64]
	AOFRewrites            opt.Val[uint64] // attempts, counted before the fork (7.0+)
	AOFLastCOWBytes        opt.Val[uint64]
	ModuleForkInProgress   opt.Val[bool]
	ModuleForkLastCOWBytes opt.Val[uint64]

	// Stats.
	TotalForks        opt.Val[uint64]        // 6.2+; reset by CONFIG RESETSTAT; before 7.0 failed forks count too
	LatestFork        opt.Val[time.Duration] // absent when 0: 0 means "never", not "0 s"
	CommandsProcessed opt.Val[uint64]
	FullSyncs         opt.Val[uint64] // sync_full
	MisconfErrors     opt.Val[uint64] // errorstat_MISCONF; 0 when section Errorstats was sent without it; absent before 6.2

	// Replication.
	Role            string       // master or slave; "" when not sent
	ReplicasWaiting opt.Val[int] // replicas in state wait_bgsave
	ReplicasSending opt.Val[int] // replicas in state send_bulk
}
