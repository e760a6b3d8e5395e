package collectors

func memoryFamily() family {
	resident := &Metric{
		Name:   "redis_fork_server_resident_bytes",
		Type:   Gauge,
		Help:   "Bytes of memory that the server's process has resident (VmRSS).",
		Note:   "It is what a fork shares with its child, and at most what writes can make it copy. Unlike INFO's used_memory it includes fragmentation.",
		Needs:  "process",
		Absent: "the read failed",
	}
	pageTables := &Metric{
		Name:   "redis_fork_server_page_table_bytes",
		Type:   Gauge,
		Help:   "Bytes of the server's page tables (VmPTE), which fork(2) copies while the server stands still.",
		Note:   "There are about 2 MiB per GiB. With huge pages it counts tables kept in reserve, and says nothing about the stall.",
		Needs:  "process",
		Absent: "the read failed",
	}
	rehashing := &Metric{
		Name:   "redis_fork_reported_rehashing_bytes",
		Type:   Gauge,
		Help:   "Bytes of the hash tables that the server is rehashing (mem_overhead_db_hashtable_rehashing).",
		Note:   "With a child alive, moving the entries copies pages that no client wrote to.",
		Needs:  "INFO (Redis 7.4)",
		Absent: "the server does not answer or is older",
	}
	return family{
		group:   "What would a fork share and copy?",
		metrics: []*Metric{resident, pageTables, rehashing},
		perServer: func(v view, out sink) {
			present(out, resident, v.ResidentBytes)
			present(out, pageTables, v.PageTableBytes)
			present(out, rehashing, v.current.RehashingBytes)
		},
	}
}
