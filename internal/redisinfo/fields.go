package redisinfo

import (
	"bytes"
	"math"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Each of these takes one line, split into key and value, and reports whether the field
// was its own. A switch over string(key) compares without a copy of the key.

func (p *parser) server(key, value []byte) bool {
	i := &p.info
	switch string(key) {
	case "redis_version":
		firstString(&p.identity.redisVersion, token(value))
	case "valkey_version":
		firstString(&p.identity.valkeyVersion, token(value))
	case "dragonfly_version":
		firstString(&p.identity.dragonflyVersion, token(value))
	case "server_name":
		firstString(&p.identity.serverName, token(value))
	case "redis_mode", "server_mode": // Valkey 8.0 sends the second
		firstString(&i.Mode, token(value))
	case "run_id":
		firstString(&i.RunID, token(value))
	case "executable":
		firstString(&i.Executable, text(value))
		p.identity.executable = i.Executable
	case "process_id":
		first(&i.ProcessID, integer[int](value, 1, math.MaxInt32))
	case "tcp_port":
		first(&i.TCPPort, integer[int](value, 0, math.MaxUint16))
	case "uptime_in_seconds":
		first(&i.UptimeSeconds, integer[int64](value, 0, math.MaxInt64))
	case "hz":
		first(&i.Hz, integer[int](value, 1, math.MaxInt32))
	case "module":
		i.ModulesLoaded = true
	default:
		return false
	}
	return true
}

func (p *parser) memory(key, value []byte) bool {
	i := &p.info
	switch string(key) {
	case "used_memory":
		first(&i.UsedMemory, total(value))
	case "used_memory_rss":
		first(&i.UsedMemoryRSS, total(value))
	case "maxmemory":
		first(&i.MaxMemory, total(value))
	case "total_system_memory":
		first(&i.TotalSystemMemory, total(value))
	case "mem_overhead_db_hashtable_rehashing":
		first(&i.RehashingBytes, total(value))
	case "mem_aof_buffer":
		first(&i.AOFBufferBytes, total(value))
	case "mem_total_replication_buffers":
		first(&i.ReplicationBytes, total(value))
	case "mem_clients_slaves":
		first(&p.replicaBuffers, total(value))
	default:
		return false
	}
	return true
}

func (p *parser) persistence(key, value []byte) bool {
	i := &p.info
	switch string(key) {
	case "loading":
		first(&i.Loading, flag(value, "1", "0"))
	case "current_cow_size":
		first(&i.CurrentCOWBytes, total(value))
	case "current_cow_peak":
		first(&i.CurrentCOWPeakBytes, total(value))
	case "current_cow_size_age":
		first(&i.CurrentCOWAgeSeconds, seconds(value))
	case "current_save_keys_processed":
		first(&i.SaveKeysProcessed, total(value))
	case "current_save_keys_total":
		first(&i.SaveKeysTotal, total(value))
	case "rdb_changes_since_last_save":
		first(&i.ChangesSinceLastSave, total(value))
	case "rdb_bgsave_in_progress":
		first(&i.BGSaveInProgress, flag(value, "1", "0"))
	case "rdb_current_bgsave_type":
		firstString(&p.bgsaveType, token(value))
	case "rdb_last_save_time":
		first(&i.LastSaveTime, seconds(value))
	case "rdb_last_bgsave_status":
		first(&i.LastBGSaveOK, flag(value, "ok", "err"))
	case "rdb_last_bgsave_time_sec":
		first(&i.LastBGSaveSeconds, seconds(value))
	case "rdb_current_bgsave_time_sec":
		first(&i.CurrentBGSaveSeconds, seconds(value))
	case "rdb_saves":
		first(&i.RDBSaves, total(value))
	case "rdb_last_cow_size":
		first(&i.RDBLastCOWBytes, total(value))
	case "aof_enabled":
		first(&i.AOFEnabled, flag(value, "1", "0"))
	case "aof_rewrite_in_progress":
		first(&i.AOFRewriteInProgress, flag(value, "1", "0"))
	case "aof_last_bgrewrite_status":
		first(&i.LastAOFRewriteOK, flag(value, "ok", "err"))
	case "aof_last_rewrite_time_sec":
		first(&i.LastAOFRewriteSeconds, seconds(value))
	case "aof_rewrites":
		first(&i.AOFRewrites, total(value))
	case "aof_last_cow_size":
		first(&i.AOFLastCOWBytes, total(value))
	case "module_fork_in_progress":
		first(&i.ModuleForkInProgress, flag(value, "1", "0"))
	case "module_fork_last_cow_size":
		first(&i.ModuleForkLastCOWBytes, total(value))
	default:
		return false
	}
	return true
}

func (p *parser) stats(key, value []byte) bool {
	i := &p.info
	switch string(key) {
	case "total_forks":
		first(&i.TotalForks, total(value))
	case "latest_fork_usec":
		if usec, ok := integer[int64](value, 1, math.MaxInt64/1000).Get(); ok {
			first(&i.LatestFork, opt.Of(time.Duration(usec)*time.Microsecond))
		}
	case "total_commands_processed":
		first(&i.CommandsProcessed, total(value))
	case "sync_full":
		first(&i.FullSyncs, total(value))
	case "errorstat_ERRORSTATS_DISABLED", "errorstat_ERRORSTATS_OVERFLOW":
		p.errorstats = false // too many kinds of errors: the server stopped listing them (Redis 7.2.5, Valkey 8)
	case "errorstat_MISCONF":
		p.errorstats = false // it is there: nothing follows from the section's end
		if count, ok := bytes.CutPrefix(value, []byte("count=")); ok {
			first(&i.MisconfErrors, total(count))
		}
	case "server_threads", "mvcc_depth":
		p.ownField()
	default:
		return false
	}
	return true
}

// replicas takes a line of section Replication: the role, or a line such as
// "slave0:ip=10.0.0.1,port=6379,state=online,offset=14,lag=0" (Valkey says slave too,
// for compatibility), split into key and value.
func (p *parser) replicas(key, value []byte) {
	if string(key) == "role" {
		firstString(&p.info.Role, token(value))
		return
	}
	number, ok := bytes.CutPrefix(key, []byte("slave"))
	if !ok || !p.replication || !integer[int](number, 0, math.MaxInt32).Present() {
		return
	}
	for part := range bytes.SplitSeq(value, []byte{','}) {
		state, ok := bytes.CutPrefix(part, []byte("state="))
		switch {
		case !ok:
			continue
		case string(state) == "wait_bgsave":
			p.waiting++
		case bytes.HasPrefix(state, []byte("send_bulk")): // Redis 8: send_bulk_and_stream
			p.sending++
		}
		return
	}
}
