package main

const (
	who     = "{{instance}} {{server}}"
	whoKind = who + " {{kind}}"
	// forksURL is the exporter's own list of a server's forks of a kind.
	forksURL = "http://${__data.fields.instance}/forks?server=${__data.fields.server:percentencode}&kind=${__data.fields.kind:percentencode}"
	// rowForkURL is the exporter's own page of the fork in a row.
	rowForkURL = forksURL + "&at=${__data.fields.Start.numeric}"
	// dotForkURL is that of the fork that a dot stands for: the newest that had begun.
	dotForkURL = "http://${__field.labels.instance}/forks?server=${__field.labels.server:percentencode}&kind=${__field.labels.kind:percentencode}&at=${__value.time}"

	stallLimit = 0.5 // seconds: where clients with usual timeouts begin to notice, and a bucket's boundary
)

// instance is about one exporter's servers, and from the top row downwards about
// one question each.
func instance() dashboard {
	return dashboard{
		uid:         "redis-fork-instance",
		title:       "Redis forks: one server",
		about:       "Whether a Redis-compatible server survives its next fork, and what every fork cost: the stall, the copies while the child lives, and how it ended.",
		variables:   instanceVariables(),
		annotations: instanceAnnotations(),
		links: list{object{
			"type": "link", "title": "All servers", "url": "/d/redis-fork-fleet", "icon": "dashboard", "tooltip": "Every server, the least likely to survive its next fork first.",
			"tags": list{}, "asDropdown": false, "targetBlank": false, "keepTime": true, "includeVars": false,
		}},
		rows: []row{surviveRow(), recentRow(), clientsRow(), memoryRow(), whyRow(), exporterRow()},
	}
}

func instanceVariables() list {
	return list{
		datasourceVariable(),
		labelVariable("job", "Job", "The scrape job of the exporter.", "redis_fork_up", true),
		// One exporter at a time: of two hundred nobody could read a line.
		labelVariable("instance", "Exporter", "The exporter that was scraped.", `redis_fork_up{job=~"$job"}`, false),
		labelVariable("server", "Server", "The server, as the exporter's configuration names it.", "redis_fork_up{"+exporterFilter+"}", true),
		labelVariable("kind", "Kind", "What the fork was for.", of("children_total"), true),
		windowVariable(),
	}
}

func instanceAnnotations() list {
	shade := func(name, color, matcher string) object {
		return object{
			"name": "Child alive: " + name, "datasource": source(), "enable": true, "iconColor": color,
			"expr": kinds("child_running", matcher) + " == 1", "step": "15s",
			"titleFormat": "{{kind}}", "textFormat": whoKind + ": a child is alive", "tagKeys": "server,kind",
		}
	}
	// A mark is where the expression says, in milliseconds, or where it has a result.
	mark := func(name, color, expr string, says bool, text string) object {
		return object{
			"name": name, "datasource": source(), "enable": true, "iconColor": color,
			"expr": expr, "step": "60s", "useValueForTime": says,
			"titleFormat": "{{kind}}", "textFormat": whoKind + ": " + text, "tagKeys": "server,kind",
		}
	}
	start := kinds("last_start_timestamp_seconds") + " * 1000"
	refused := kinds("refused_total")
	return list{
		shade("rdb", "rgba(110, 160, 255, 0.6)", `kind="rdb"`),
		shade("aof", "rgba(115, 191, 105, 0.6)", `kind="aof"`),
		shade("replication", "rgba(184, 119, 217, 0.6)", `kind="replication"`),
		shade("other", "rgba(150, 150, 150, 0.6)", `kind!~"rdb|aof|replication"`),
		mark("Fork", "orange", start, true, "fork"),
		mark("Failed fork", "red", start+" and "+kinds("last_success")+" == 0", true, "a fork whose child failed"),
		mark("Refused fork", "dark-red", refused+" - "+refused+" offset 1m > 0", false, "a fork that the kernel refused, within the minute before"),
	}
}

func surviveRow() row {
	return row{title: "Can it survive the next fork?", lines: []line{
		{5, []panel{
			{
				title: "Left at the next fork's worst moment", width: 5, unit: "bytes", visual: stat(), none: "no forecast: no fork yet",
				about: "What the tightest limit leaves now, minus what the next fork needs. Below zero, the fork is not survived: the OOM killer takes the child or the server. Where the alert rules are loaded, the need is the forecast or the week's highest peak, whichever is more, as in the alert; else the forecast.",
				steps: above("red", 0, "green"),
				queries: []query{
					{tightest() + " - " + need(), who},
				},
			},
			{
				title: "The next fork needs", width: 5, unit: "bytes", visual: stat(), none: "no fork yet",
				about: "Memory that the next fork is expected to take: copies as in its past forks at the writes expected now, page tables, buffers. And the most it can be: everything is written to while the child lives.",
				queries: []query{
					{need(), who + " expected"},
					{of("next_memory_worst_case_bytes"), who + " at most"},
				},
			},
			{
				title: "Headroom, by limit", width: 5, unit: "bytes", visual: stat(), none: "not known",
				about: "What each limit leaves for a fork's copies. A running child's own pages count as given back, so that a save doesn't eat its own headroom. commit says whether the kernel refuses a fork under strict overcommit, and is not what a child grows into; throttle is what memory.high leaves, beyond which the kernel slows the server down.",
				queries: []query{
					{of("headroom_bytes"), who + " {{limit}}"},
					{of("headroom_commit_bytes"), who + " commit"},
					{of("headroom_throttle_bytes"), who + " throttle"},
				},
			},
			{
				title: "Refused, or killed in it", width: 3, unit: "none", visual: stat(), none: "not known",
				about:  "Whether the kernel would refuse to fork the server now, by its overcommit mode or the limits on tasks: it can't save then. And whether it would kill the server in the fork, because the memory cgroup has no room even for the page tables.",
				values: texts(text{"0", "no", "green"}, text{"1", "yes", "red"}),
				queries: []query{
					{f("max without (reason) (%s)", of("next_refused")), who + " refused"},
					{of("next_server_killed"), who + " killed"},
				},
			},
			{
				title: "Stall: the last, and the next", width: 4, unit: "s", visual: stat(), none: "no fork yet",
				about: "How long the newest fork held up every client, whatever it was for: fork(2) as the server timed it. Absent where a later fork overwrote the figure before it could be read. And what the next one is expected to take, by the page tables there are now.",
				steps: list{step("green", nil), step("yellow", 0.1), step("red", stallLimit)},
				queries: []query{
					{newest("last_stall_seconds"), whoKind + " last"},
					{of("next_stall_seconds"), who + " next"},
				},
			},
			{
				title: "Server", width: 2, unit: "none", visual: stat(), none: "not watched",
				about:   "Whether the server answered the last INFO. While it does not, forks are still followed through its process.",
				values:  texts(text{"0", "no answer", "red"}, text{"1", "up", "green"}),
				queries: []query{{of("up"), who}},
			},
		}},
		{5, []panel{
			{
				title: "Copy time of the last fork", width: 4, unit: "s", visual: stat(), none: "not known",
				about:   "How long the kernel spent on page copies while the newest fork's child lived, whatever it was for. It is spread over the child's life, a bit of it in each write to a page of its own; commands waited about half as long again. It needs the kernel's delay accounting (source taskstats).",
				queries: []query{{newest("last_copy_stall_seconds"), whoKind}},
			},
			{
				title: "Since the last good save", width: 4, unit: "s", visual: stat(), none: "no save yet",
				about:   "Time since the server last saved successfully to disk: what a crash now would lose, append-only file aside. The server's start does not count as a save.",
				queries: []query{{"time() - " + kinds("reported_last_save_timestamp_seconds"), whoKind}},
			},
			{
				title: "Last outcome", width: 4, unit: "none", visual: stat(), none: "no fork has ended yet",
				about:   "How the last child of each kind ended. A child that the server itself cancelled is neither, and shows as nothing.",
				values:  texts(text{"0", "failed", "red"}, text{"1", "ok", "green"}),
				queries: []query{{kinds("last_success"), whoKind}},
			},
			{
				title: "Child now", width: 4, unit: "none", visual: stat(), none: "not known",
				about:   "Whether a child is alive at this moment, and for what. It needs the server's process on the exporter's machine.",
				values:  texts(text{"0", "none", "text"}, text{"1", "running", "blue"}),
				queries: []query{{kinds("child_running"), whoKind}},
			},
			{
				title: "Sampler: sources and limits", width: 4, unit: "none", visual: stat(), none: "not watched",
				about:     "What the exporter can read. Blind means that the panels which need the source show nothing: process is the server's process, child_smaps the memory of its children, pagemap a sample of their pages. Two sources are extras that many servers lack: cgroup, a memory cgroup of the server's own, makes readings cheap and exact; taskstats, the kernel's delay accounting, is what knows the time that copies take. Where a limit can't be read, nobody knows whether a fork has room below it.",
				values:    texts(text{"0", "blind", "red"}, text{"1", "works", "green"}),
				overrides: list{series(" (cgroup|taskstats)$", property("mappings", list{texts(text{"0", "without", "text"}, text{"1", "works", "green"})}))},
				queries: []query{
					{of("source_available"), who + " {{source}}"},
					{of("limit_known"), who + " {{limit}} limit"},
				},
			},
			{
				title: "Sampler: not observed in $window", width: 4, unit: "short", visual: stat(), none: "not watched",
				about: "Forks that the server counted and that are missing here: a child that nobody followed, a stall whose duration was overwritten by a later fork. Not zero means that the other figures are too low.",
				steps: above("green", 1, "yellow"),
				queries: []query{
					{"round(" + increase(of("unobserved_children_total")) + ")", who + " children"},
					{"round(" + increase(of("unobserved_stalls_total")) + ")", who + " stalls"},
				},
			},
		}},
	}}
}

func recentRow() row {
	seconds, bytes := unit("s"), unit("bytes")
	return row{title: "Recent forks", lines: []line{
		{7, []panel{{
			title: "Last fork of each kind", width: columns, unit: "none", visual: table(object{"displayName": "Start", "desc": true}), none: "no fork yet",
			about: "What the last finished fork of each kind cost. Every row is about one fork, except for the server's own figure, which after a failure is still that of an older child, and which disk saves and diskless syncs share under rdb. The start links to the exporter's own page of that fork, with its curve, and the kind to the list of the last 200: what happened at 03:12 stands there. The links go to the address that Prometheus scrapes. The tail comes up to a minute later than the rest. Copy time needs taskstats, and so does what was copied where memory was given back meanwhile.",
			queries: []query{
				{expr: unnamed(kinds("last_start_timestamp_seconds")) + " * 1000"},
				{expr: unnamed(kinds("last_success"))},
				{expr: unnamed(kinds("last_stall_seconds"))},
				{expr: unnamed(kinds("last_copy_stall_seconds"))},
				{expr: unnamed(kinds("last_lifetime_seconds"))},
				{expr: unnamed(kinds("last_tail_seconds"))},
				{expr: unnamed(kinds("last_resident_bytes"))},
				{expr: unnamed(kinds("last_copied_bytes"))},
				{expr: unnamed(kinds("last_private_dirty_peak_bytes"))},
				{expr: unnamed(kinds("reported_last_cow_bytes"))},
			},
			transform: columnsOf([]string{"job", "instance", "server", "kind"},
				[]string{"Start", "Outcome", "Stall", "Copy time", "Lifetime", "Tail", "Resident", "Copied", "Private dirty, peak", "Reported by the server"}),
			overrides: list{
				column("kind", link("This server's forks of this kind, at the exporter", forksURL)),
				column("Start", unit("dateTimeAsIso"), link("This fork, at the exporter", rowForkURL)),
				column("Outcome", property("mappings", list{texts(text{"0", "failed", "red"}, text{"1", "ok", "green"})}), colored()),
				column("Stall", seconds, thresholds(list{step("text", nil), step("yellow", 0.1), step("red", stallLimit)}), colored()),
				column("Copy time", seconds), column("Lifetime", seconds), column("Tail", seconds),
				column("Resident", bytes), column("Copied", bytes), column("Private dirty, peak", bytes), column("Reported by the server", bytes),
			},
		}}},
	}}
}

func clientsRow() row {
	counted := func(expr string) string { return "round(" + expr + ") and " + forked() }
	return row{title: "What did forks cost the clients?", lines: []line{
		{9, []panel{
			{
				title: "Stall of each fork", width: 14, unit: "s", visual: dots(0.6), none: "no fork in this time",
				about:     "One dot per fork, at the first scrape after its end; it links to the exporter's page of that fork. Of several forks of a kind between two points only the last is drawn; the counts below include them all. Clients of a server with default timeouts begin to notice at the line of 500 ms.",
				steps:     above("transparent", stallLimit, "red"),
				overrides: forkDots(),
				queries:   []query{{atFork(kinds, "last_stall_seconds"), whoKind}},
			},
			{
				title: "Copy stall as a share of time", width: 10, unit: "percentunit", visual: lines(), none: "not known",
				about:   "Share of the time that the server spent inside the kernel's page copies. A lower bound of what commands waited, because a copy is about two thirds of its fault; but time off the CPU counts too. It needs the kernel's delay accounting (source taskstats).",
				queries: []query{{rate(of("copy_stall_seconds_total")), who}},
			},
		}},
		{4, []panel{
			{
				title: "Forks in $window", width: 5, unit: "short", visual: stat(), none: "no fork",
				about:   "Forks whose stall is known, in the chosen window.",
				queries: []query{{counted(increase(of("stall_seconds_count"))), who}},
			},
			{
				title: "Over 500 ms in $window", width: 5, unit: "short", visual: stat(), none: "no fork",
				about:   "Forks that held up every client for more than 500 ms, in the chosen window. Exact but for rounding: 500 ms is a bucket's boundary.",
				steps:   above("green", 1, "red"),
				queries: []query{{counted(f("%s - ignoring (le) %s", increase(of("stall_seconds_count")), increase(of("stall_seconds_bucket", `le="0.5"`)))), who}},
			},
			{
				title: "Longest stall in $window, at most", width: 5, unit: "s", visual: stat(), none: "no fork",
				about:   "The upper limit of the highest bucket that a fork fell into in the chosen window: no stall was longer. Buckets are 1, 2.5, 5, 10 … and forks between two scrapes are included.",
				steps:   list{step("green", nil), step("yellow", 0.1), step("red", 1.0)},
				queries: []query{{f("histogram_quantile(1, %s) and %s", increase(of("stall_seconds_bucket")), forked()), who}},
			},
			{
				title: "Stall per GiB in $window", width: 5, unit: "ms", visual: stat(), none: "no fork",
				about:   "Mean milliseconds of stall per GiB of the server's resident memory. Below 10 is good hardware, 10 to 40 usual virtual machines; far below 1 means huge pages. A rise at the same size points at the host.",
				queries: []query{{f("1000 * %s / (%s / 2^30 > 0)", increase(of("stall_seconds_sum")), increase(of("stall_resident_bytes_total"))), who}},
			},
			{
				title: "Copy stall in $window", width: 4, unit: "s", visual: stat(), none: "not known",
				about:   "Time inside the kernel's page copies in the chosen window. It needs the kernel's delay accounting (source taskstats).",
				queries: []query{{increase(of("copy_stall_seconds_total")), who}},
			},
		}},
	}}
}

func kindColors() list {
	return list{
		series(" rdb$", fixedColor("blue")), series(" aof$", fixedColor("green")), series(" replication$", fixedColor("purple")),
	}
}

// forkDots colours a dot by its fork's kind and leads from it to the fork's page.
func forkDots() list {
	return append(kindColors(), series(".", link("This fork, at the exporter", dotForkURL)))
}

func memoryRow() row {
	// Whether there is a curve is decided once for the whole graph, not point by point:
	// a curve has no points between forks.
	scraped := f("present_over_time(%s[$__range] @ end())", curve("resident_bytes"))
	return row{title: "What did they cost in memory?", lines: []line{
		{10, []panel{
			{
				title: "The child's memory, and what was copied", width: 19, unit: "bytes", visual: lines(), none: "no fork yet",
				step: "100ms", points: 6000,
				about: "Private dirty is what only the child holds, and what would be freed if it died; copied is what the kernel copied for the server's writes. With /curve scraped there is a point every 100 ms: choose a range of at most ten minutes to see them all, and with a few minutes about a fork its beginning too. Without, it is the gauge, as coarse as the scrapes, and a short child may be missing. The legend and the panel beside say which. The server's own figure is stale by seconds to minutes.",
				overrides: list{
					series("as the server says$", property("custom.fillOpacity", 0), property("custom.showPoints", "always")),
					series("copied", property("custom.fillOpacity", 0)),
				},
				queries: []query{
					{curve("private_dirty_bytes"), who + " private dirty, every 100 ms"},
					{curve("copied_bytes"), who + " copied, every 100 ms"},
					{f("%s unless ignoring (job) %s", of("child_private_dirty_bytes"), scraped), who + " private dirty, at each scrape"},
					{of("reported_cow_bytes"), who + " private dirty, as the server says"},
				},
			},
			{
				title: "Drawn from", width: 5, unit: "none", visual: stat(), none: "not watched",
				about:  "Where the curve beside comes from: /curve, scraped by a second job (docs/curve.md), or the gauge in /metrics. Without a fork in the range shown there is no curve to be had, and it says gauge.",
				values: texts(text{"0", "gauge, at each scrape", "text"}, text{"1", "/curve, every 100 ms", "green"}),
				queries: []query{{
					f("((%[1]s * 0 + 1) and ignoring (job) present_over_time(%[2]s[$__range])) or %[1]s * 0", of("up"), curve("resident_bytes")), who,
				}},
			},
		}},
		{9, []panel{
			{
				title: "Resident plus copies, against the limits", width: 10, unit: "bytes", visual: lines(), none: "not known",
				about: "The server's memory, the same with what the running child holds, and how far both together may grow: what the server has and what each limit leaves it.",
				overrides: list{
					series("up to", dashed()...),
				},
				queries: []query{
					{of("server_resident_bytes"), who + " resident"},
					{f("%s + %s", of("server_resident_bytes"), of("child_private_dirty_bytes")), who + " resident plus copies"},
					{f("%s + ignoring (limit) group_left () %s", of("headroom_bytes"), of("server_resident_bytes")), who + " up to the limit: {{limit}}"},
				},
			},
			{
				title: "Peak of each kind's last fork, of the data", width: 8, unit: "percentunit", visual: dots(1), none: "no fork in this time",
				about:     "Highest private dirty memory of a child, divided by the server's resident memory at the fork, one dot per fork. At the line, 100 %, the whole data set was duplicated.",
				steps:     above("transparent", 1, "red"),
				overrides: forkDots(),
				queries:   []query{{f("%s / %s", "("+atFork(kinds, "last_private_dirty_peak_bytes")+")", kinds("last_resident_bytes")), whoKind}},
			},
			{
				title: "Forks by their peak, in $window", width: 6, unit: "short", visual: bars(), none: "no fork",
				about: "How many forks of the chosen window had a child whose highest private dirty memory was such a share of the server's resident memory at the fork. Exact but for rounding, and forks between two scrapes are included.",
				queries: []query{
					{peaks("", "0.1"), who + " up to 10 %"},
					{peaks("0.1", "0.25"), who + " 10 to 25 %"},
					{peaks("0.25", "0.5"), who + " 25 to 50 %"},
					{peaks("0.5", "0.75"), who + " 50 to 75 %"},
					{peaks("0.75", "1"), who + " 75 to 100 %"},
					{peaks("1", ""), who + " more than 100 %"},
				},
			},
		}},
	}}
}

func whyRow() row {
	wrong := func(name string) string { return increase(kinds(name)) + " > 0" }
	return row{title: "Why?", collapsed: true, lines: []line{
		{8, []panel{
			{
				title: "Changes since the last save", width: 8, unit: "short", visual: lines(),
				about:   "Changes that the last save to disk does not have. A saw's teeth are healthy; a line that only rises is a server that does not save any more.",
				queries: []query{{of("reported_changes_since_last_save"), who}},
			},
			{
				title: "Bytes copied per change", width: 8, unit: "bytes", visual: lines(),
				about:   "What the kernel copied for each change to the data, while a child lives: a page (4 KiB) or two where values are small and changes hit pages of their own, less where they hit the same pages again. Far more means that somebody else writes: rehashing, expiry, defragmentation, huge pages. A mean over some scrapes, so too low in a child's beginning and end.",
				queries: []query{{f("%s / (deriv(%s[$__rate_interval]) > 0) and max without (kind) (%s) == 1", rate(of("copied_bytes_total")), of("reported_changes_since_last_save"), of("child_running")), who}},
			},
			{
				title: "Bytes copied per $window", width: 8, unit: "bytes", visual: lines(),
				about:   "What the kernel copied for the server's writes in the chosen window up to each moment. Unlike the child's private dirty memory it counts no pages that the server freed, and all that the child gave back. Without taskstats, a fork's count ends where server or child gives memory back, so it is too low then.",
				queries: []query{{increase(of("copied_bytes_total")), who}},
			},
		}},
		{8, []panel{
			{
				title: "Write faults, by phase", width: 8, unit: "short", visual: lines(),
				about:   "Minor faults of the server beyond its growth, per second. copy: while a child lives, nearly all of them copy a page. tail: after its death, for up to a minute; a page that is still protected costs a fault, and no copy.",
				queries: []query{{rate(of("write_faults_total")), who + " {{phase}}"}},
			},
			{
				title: "Time with a child alive", width: 8, unit: "percentunit", visual: lines(),
				about:   "Share of the chosen window during which a child was alive, by kind. All that time writes cost copies, and rehashing and key eviction behave differently.",
				queries: []query{{"rate(" + kinds("child_seconds_total") + "[$window])", whoKind}},
			},
			{
				title: "Progress of the running child", width: 8, unit: "percentunit", visual: lines(),
				about:   "Keys written of the keys to write. Keys are not bytes: where values differ in size, the time left is not proportional.",
				queries: []query{{of("child_progress_ratio"), who}},
			},
		}},
		{8, []panel{
			{
				title: "Failed and refused in $window, by kind and reason", width: 8, unit: "short", visual: lines(), none: "none",
				about: "Failed children and refused forks in the chosen window up to each moment. exit is an exit status, signal and oom are kills, server_died means that the server ended before its child; refused means that the kernel would not fork.",
				queries: []query{
					{wrong("children_failed_total"), whoKind + " {{reason}}"},
					{wrong("refused_total"), whoKind + " refused"},
				},
			},
			{
				title: "Cancelled in $window", width: 8, unit: "short", visual: lines(), none: "none",
				about:   "Children that the server itself ended, in the chosen window up to each moment. That is no failure: FLUSHALL, a replica that left, a failover.",
				queries: []query{{wrong("children_cancelled_total"), whoKind}},
			},
			{
				title: "Page tables, and tables being rehashed", width: 8, unit: "bytes", visual: lines(),
				about: "Page tables are what fork(2) copies while the server stands still. Hash tables being rehashed with a child alive copy pages that no client wrote to (Redis 7.4).",
				queries: []query{
					{of("server_page_table_bytes"), who + " page tables"},
					{of("reported_rehashing_bytes"), who + " rehashing"},
				},
			},
		}},
		{6, []panel{
			{
				title: "The host", width: 8, unit: "none", visual: nameStat(), none: "not known",
				about: "The kernel of the exporter's host and what of its settings decides about forks. vm.overcommit_memory: 0 is heuristic, 1 always, 2 strict, under which the kernel can refuse a fork while much memory is free. Transparent huge pages: with always, servers have them, unless they switch them off for themselves (Redis from 6.2): forks are short then, until the writes beside a child have split them. A first write copies 4 KiB all the same; before Linux 5.8 it was 2 MiB.",
				queries: []query{
					{host("host_info"), "Linux {{kernel}}, overcommit {{overcommit_memory}}, huge pages {{transparent_hugepage}}"},
				},
			},
			{
				title: "The child's swap and huge pages", width: 16, unit: "bytes", visual: lines(), none: "not known",
				about: "Swapped memory of the child has to be read back in before it is saved. Huge pages fall as writes split them; the next fork takes longer then.",
				queries: []query{
					{of("child_swap_bytes"), who + " swap"},
					{of("child_anonymous_huge_bytes"), who + " huge pages"},
				},
			},
		}},
	}}
}

func exporterRow() row {
	ofItsServers := f(" and on (job, instance) %s", of("up"))
	return row{title: "The exporter itself", collapsed: true, lines: []line{
		{8, []panel{
			{
				title: "CPU spent on readings", width: 8, unit: "percentunit", visual: lines(),
				about:   "Share of one core that readings take while a child lives. During those of child_smaps, the child and the server's writes wait for part of the time, so they have a budget; nobody waits for counters, the cheap readings between them.",
				queries: []query{{rate(of("exporter_read_cpu_seconds_total")), who + " {{source}}"}},
			},
			{
				title: "Reads, and reads put off", width: 8, unit: "ops", visual: lines(),
				about: "Readings per second: INFO and the server's process all the time, the rest while a child lives. And those of child_smaps and pagemap put off to stay within the budget: the more, the further apart are the exact points of large children.",
				queries: []query{
					{rate(of("exporter_reads_total")), who + " {{source}} read"},
					{rate(of("exporter_reads_deferred_total")), who + " put off"},
				},
			},
			{
				title: "Failed reads in $window", width: 8, unit: "short", visual: lines(), none: "none",
				about:   "Reads that failed in the chosen window up to each moment, by source and reason.",
				queries: []query{{increase(of("exporter_read_errors_total")) + " > 0", who + " {{source}} {{reason}}"}},
			},
		}},
		{7, []panel{
			{
				title: "Age of the child's last reading", width: 8, unit: "s", visual: lines(), none: "no child",
				about:   "How long ago the running child's memory was last read exactly, or from its cgroup. Large children are read rarely, to spare the server.",
				queries: []query{{"time() - " + of("child_sample_timestamp_seconds"), who}},
			},
			{
				title: "The exporter's CPU", width: 8, unit: "percentunit", visual: lines(),
				about:   "Everything the exporter does, as a share of one core: for all its servers together.",
				queries: []query{{f("rate(process_cpu_seconds_total{%s}[$__rate_interval])", exporterFilter) + ofItsServers, "{{instance}}"}},
			},
			{
				title: "The exporter's memory", width: 8, unit: "bytes", visual: lines(),
				about:   "Resident memory of the exporter's process, for all its servers together.",
				queries: []query{{f("process_resident_memory_bytes{%s}", exporterFilter) + ofItsServers, "{{instance}}"}},
			},
		}},
	}}
}
