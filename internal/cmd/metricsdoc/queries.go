package main

// queries are the examples of the page; a test parses them and looks their
// metrics up.
var queries = [...]struct{ what, expr string }{
	{
		"Milliseconds that a server stands still per GiB it has resident, over the last day's forks. Some 10 are common on bare metal; hundreds mean an old hypervisor.",
		`1000 * increase(redis_fork_stall_seconds_sum[1d])
  / (increase(redis_fork_stall_resident_bytes_total[1d]) / 2^30 > 0)`,
	},
	{
		"Forks in the last day that took longer than 500 ms. The limit is a bucket's boundary, so no fork is on the wrong side.",
		`increase(redis_fork_stall_seconds_count[1d])
  - ignoring(le) increase(redis_fork_stall_seconds_bucket{le="0.5"}[1d])`,
	},
	{
		"Saves, rewrites and syncs that failed in the last hour, refused forks included.",
		`sum without (kind, reason) (increase(redis_fork_children_failed_total[1h]))
  + sum without (kind) (increase(redis_fork_refused_total[1h])) > 0`,
	},
	{
		"Share of the last day with a child alive, from 0 to 1. Near 1, the server never gets out of copying.",
		`sum without (kind) (rate(redis_fork_child_seconds_total[1d]))`,
	},
	{
		"Share of the last hour that the server spent inside the kernel's page copies.",
		`rate(redis_fork_copy_stall_seconds_total[1h])`,
	},
	{
		"Seconds of copying per GiB copied, over the last day. Some 0.4 to 0.8 were seen on a virtual machine with CPUs to spare; a rise means that copies wait, for a CPU or for memory.",
		`increase(redis_fork_copy_stall_seconds_total[1d])
  / (increase(redis_fork_copied_bytes_total[1d]) / 2^30 > 0)`,
	},
	{
		"The last fork's peak as a share of the server's memory then, by kind.",
		`redis_fork_last_private_dirty_peak_bytes / redis_fork_last_resident_bytes`,
	},
	{
		"Share of the last week's forks whose child came to hold more than half of the server's memory.",
		`1 - increase(redis_fork_private_dirty_peak_ratio_bucket{le="0.5"}[7d])
  / ignoring(le) (increase(redis_fork_private_dirty_peak_ratio_count[7d]) > 0)`,
	},
	{
		"Seconds since the last successful save to disk, of servers with changes that it does not have; and the number of changes, of servers that have not saved since their start.",
		`(time() - redis_fork_reported_last_save_timestamp_seconds{kind="rdb"})
  and ignoring(kind) redis_fork_reported_changes_since_last_save > 0
or
redis_fork_reported_changes_since_last_save > 0
  unless ignoring(kind) redis_fork_reported_last_save_timestamp_seconds{kind="rdb"}`,
	},
	{
		"How far the server's own figure of its running child is behind the exporter's, in bytes.",
		`redis_fork_child_private_dirty_bytes - redis_fork_reported_cow_bytes`,
	},
	{
		"Share of one core that reading servers and children takes on each exporter.",
		`sum without (server, source) (rate(redis_fork_exporter_read_cpu_seconds_total[1h]))`,
	},
}
