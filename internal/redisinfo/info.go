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
// filled with a default. Totals start again at 0 with the server, and those of
// section Stats also with CONFIG RESETSTAT: a decrease is a reset.
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
	UsedMemory    opt.Val[uint64]
	UsedMemoryRSS opt.Val[uint64]
	MaxMemory     opt.Val[uint64] // 0: no limit
	// TotalSystemMemory is the machine's (since 3.2): for a server in a
	// container it is not the limit that counts.
	TotalSystemMemory opt.Val[uint64]
	// RehashingBytes is mem_overhead_db_hashtable_rehashing (since 7.4). Above
	// 0 with a child alive, a rehash is writing to, and so copying, pages.
	RehashingBytes   opt.Val[uint64]
	AOFBufferBytes   opt.Val[uint64] // mem_aof_buffer
	ReplicationBytes opt.Val[uint64] // mem_total_replication_buffers (7.0+), else mem_clients_slaves

	// Persistence.
	Loading opt.Val[bool]
	// CurrentCOWBytes is what a running child says it has copied (since 6.2).
	// The child measures it rarely, so that it lags by seconds on small servers
	// and by minutes on large ones, and is 0 in a child's first second or longer.
	CurrentCOWBytes opt.Val[uint64]
	// CurrentCOWPeakBytes is the highest CurrentCOWBytes so far (since 7.0): a
	// child gives memory back as it goes. A peak between two of the child's
	// measurements is not in it.
	CurrentCOWPeakBytes opt.Val[uint64]
	// CurrentCOWAgeSeconds is the age of CurrentCOWBytes (since 6.2.2); 0 is
	// "just measured" and also "never measured".
	CurrentCOWAgeSeconds opt.Val[int64]
	// SaveKeysProcessed and SaveKeysTotal are a running child's progress (since
	// 6.2): in keys, not bytes, and updated once a second at most.
	SaveKeysProcessed    opt.Val[uint64]
	SaveKeysTotal        opt.Val[uint64]
	ChangesSinceLastSave opt.Val[uint64]
	// BGSaveInProgress is true in diskless syncs too, and in Valkey 9.2's
	// forkless saves, where there is no child: see ForklessSave.
	BGSaveInProgress opt.Val[bool]
	// ForklessSave says that the save in progress has no child (Valkey 9.2+).
	ForklessSave bool
	// LastSaveTime is in Unix seconds. A server sets it to its own start, so
	// that a restart looks like a good save: believe it only after a save was
	// seen (LastBGSaveSeconds present, or RDBSaves above 0).
	LastSaveTime opt.Val[int64]
	// LastBGSaveOK is about saves to disk. A diskless sync that failed leaves
	// no trace in INFO, nor does a child that was ended by SIGUSR1; true is
	// also what a server says that never saved.
	LastBGSaveOK         opt.Val[bool]
	LastBGSaveSeconds    opt.Val[int64] // whole seconds; absent: never
	CurrentBGSaveSeconds opt.Val[int64] // whole seconds; absent: idle
	// RDBSaves counts attempts before the fork (since 7.0), foreground SAVEs
	// among them and diskless syncs not. Grown while TotalForks has not and
	// LastBGSaveOK is false, the kernel refused a fork.
	RDBSaves opt.Val[uint64]
	// RDBLastCOWBytes (since 4.0) is left by a child that ended well, and only
	// by that: up to 6.2 its final figure, since 7.0 its peak. Saves to disk,
	// diskless syncs and slot snapshots share it; 0 is "never" too.
	RDBLastCOWBytes       opt.Val[uint64]
	AOFEnabled            opt.Val[bool]
	AOFRewriteInProgress  opt.Val[bool]
	LastAOFRewriteOK      opt.Val[bool]   // true as well when there never was one
	LastAOFRewriteSeconds opt.Val[int64]  // whole seconds; absent: never
	AOFRewrites           opt.Val[uint64] // attempts, counted before the fork (since 7.0)
	AOFLastCOWBytes       opt.Val[uint64] // as RDBLastCOWBytes
	ModuleForkInProgress  opt.Val[bool]   // since 6.0
	// ModuleForkLastCOWBytes is as RDBLastCOWBytes (since 6.0).
	ModuleForkLastCOWBytes opt.Val[uint64]

	// Stats.

	// TotalForks is since 6.2. Before 7.0 it counts forks that the kernel
	// refused, too. Its growth shows forks that nobody saw.
	TotalForks opt.Val[uint64]
	// LatestFork is how long the latest fork(2) took. Every fork overwrites it:
	// saves, modules, the Lua debugger, and before 7.0 refused ones; so it
	// belongs to a given fork only when TotalForks has grown by one. The
	// servers send 0 for "never", also after CONFIG RESETSTAT; 0 is absent here.
	LatestFork        opt.Val[time.Duration]
	CommandsProcessed opt.Val[uint64]
	FullSyncs         opt.Val[uint64] // sync_full
	// MisconfErrors counts writes refused because a save had failed
	// (errorstat_MISCONF, since 6.2). The servers list only errors that
	// occurred: 0 is a section Errorstats without it, and absent a reply
	// without that section.
	MisconfErrors opt.Val[uint64]

	// Replication. Both counts are absent when the section was not sent.

	Role            string       // master or slave; "" when not sent
	ReplicasWaiting opt.Val[int] // replicas in state wait_bgsave
	// ReplicasSending are replicas in a state that begins with send_bulk; with
	// a channel of its own for the RDB file one replica may count twice.
	ReplicasSending opt.Val[int]
}
