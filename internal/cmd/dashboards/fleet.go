package main

const instanceURL = "/d/redis-fork-instance?var-datasource=${datasource}" +
	"&var-job=${__data.fields.job:percentencode}&var-instance=${__data.fields.instance:percentencode}&var-server=${__data.fields.server:percentencode}" +
	"&${__url_time_range}"

// fleet is about all servers, and about the hosts that they share.
func fleet() dashboard {
	return dashboard{
		uid:   "redis-fork-fleet",
		title: "Redis forks: all servers",
		about: "Which Redis-compatible server is the least likely to survive its next fork, and which host does not survive that all of its servers fork at once.",
		variables: list{
			datasourceVariable(),
			labelVariable("job", "Job", "The scrape job of the exporters.", "redis_fork_up", true),
			labelVariable("instance", "Exporter", "The exporter that was scraped.", `redis_fork_up{job=~"$job"}`, true),
			labelVariable("server", "Server", "The server, as the exporter's configuration names it.", "redis_fork_up{"+exporterFilter+"}", true),
			windowVariable(),
			textVariable("hostlabel", "Host label", "The label that says on which host a server is; a port at its end is left out. Where an instance is a pod, give the label that your scrape configuration keeps the node in.", "instance"),
		},
		annotations: list{},
		links:       list{},
		rows:        []row{fleetRow(), hostRow(), costsRow()},
	}
}

func fleetRow() row {
	bytes, seconds := unit("bytes"), unit("s")
	return row{title: "Can every server survive its next fork?", lines: []line{
		{4, []panel{
			{
				title: "Servers", width: 4, unit: "short", visual: stat(), none: "no exporter is scraped",
				about:   "Servers that are watched.",
				queries: []query{{f("count(%s)", of("up")), "servers"}},
			},
			{
				title: "Without an answer", width: 4, unit: "short", visual: stat(), none: "no exporter is scraped",
				about:   "Servers that did not answer the last INFO. Their forks are still followed through their processes.",
				steps:   above("green", 1, "red"),
				queries: []query{{f("count(%[1]s) - sum(%[1]s)", of("up")), "servers"}},
			},
			{
				title: "Won't survive the next fork", width: 4, unit: "short", visual: stat(), none: "no forecast: no fork yet",
				about:   "Servers whose next fork needs more memory than their tightest limit leaves.",
				steps:   above("green", 1, "red"),
				queries: []query{{f("sum(%s >= bool %s)", need(), tightest()), "servers"}},
			},
			{
				title: "Without a forecast", width: 4, unit: "short", visual: stat(), none: "no exporter is scraped",
				about:   "Servers of which nothing is known yet about the next fork, mostly because there was none so far: they are in no sum here.",
				steps:   above("green", 1, "yellow"),
				queries: []query{{f("count(%[1]s) - (count(%[1]s and %[2]s) or vector(0))", of("up"), need()), "servers"}},
			},
			{
				title: "Refused, or killed in it", width: 4, unit: "short", visual: stat(), none: "not known",
				about: "Servers that the kernel would not fork now, by its overcommit mode and the limits on tasks, and those that it would kill in the fork, because their memory cgroup has no room for the page tables.",
				steps: above("green", 1, "red"),
				queries: []query{
					{f("sum(max without (reason) (%s))", of("next_refused")), "refused"},
					{f("sum(%s)", of("next_server_killed")), "killed"},
				},
			},
			{
				title: "Forking now", width: 4, unit: "short", visual: stat(), none: "not known",
				about:   "Servers with a child alive at this moment.",
				queries: []query{{f("sum(max without (kind) (%s))", of("child_running")), "servers"}},
			},
		}},
		{12, []panel{{
			title: "Every server, the least likely to survive its next fork first", width: columns, unit: "none",
			visual: table(object{"displayName": "Need of headroom", "desc": true}), none: "no server is watched",
			about: "One row per server. Need of headroom is what the next fork needs, divided by what the tightest limit leaves: at 100 % it is not survived, and 10000 % stands for all above. Servers without a forecast have no figure there and come last. The server's name links to its own dashboard.",
			queries: []query{
				{expr: unnamed(of("up"))},
				{expr: share(need(), tightest())},
				{expr: tightest() + " - " + need()},
				{expr: unnamed(need())},
				{expr: tightest()},
				{expr: unnamed(of("server_resident_bytes"))},
				{expr: "max without (kind) (" + newest("last_stall_seconds") + ")"},
				{expr: f("max without (reason) (%s or %s)", of("next_refused"), of("next_server_killed"))},
				{expr: f("time() - max without (kind) (%s)", of("reported_last_save_timestamp_seconds", `kind="rdb"`))},
				{expr: f("round(sum without (kind, reason) (%s))", increase(of("children_failed_total")))},
				{expr: f("max without (kind) (%s)", of("child_running"))},
			},
			transform: columnsOf([]string{"job", "instance", "server"},
				[]string{"Server answers", "Need of headroom", "Left after it", "Need", "Headroom", "Resident", "Last stall", "Refused or killed", "Since last save", "Failed in the window", "Child now"}),
			overrides: list{
				column("server", link("This server's dashboard", instanceURL)),
				column("Server answers", property("mappings", list{texts(text{"0", "no", "red"}, text{"1", "yes", "green"})}), colored()),
				column("Need of headroom", unit("percentunit"), thresholds(list{step("green", nil), step("yellow", 0.7), step("red", 1.0)}), colored(), property("noValue", "no forecast yet")),
				column("Left after it", bytes, property("noValue", "no forecast yet")),
				column("Need", bytes, property("noValue", "no forecast yet")),
				column("Headroom", bytes), column("Resident", bytes),
				column("Last stall", seconds, thresholds(list{step("text", nil), step("yellow", 0.1), step("red", stallLimit)}), colored(), property("noValue", "no fork yet")),
				column("Refused or killed", property("mappings", list{texts(text{"0", "no", "text"}, text{"1", "yes", "red"})}), colored()),
				column("Since last save", seconds, property("noValue", "no save yet")),
				column("Failed in the window", thresholds(above("text", 1, "red")), colored()),
				column("Child now", property("mappings", list{texts(text{"0", "none", "text"}, text{"1", "running", "blue"})}), colored()),
			},
		}}},
	}}
}

// onHost gives series the label host: what stands before the port in the label that
// says where a server is.
func onHost(expr string) string {
	return f(`label_replace(%s, "host", "$1", "$hostlabel", "(.*?)(:[0-9]+)?")`, expr)
}

// hostRoom is what a host's memory leaves to all of its servers. Each server's own
// headroom counts its child's pages as given back, but not those of the others: so
// all of them are added to what the host has without any.
func hostRoom() string {
	headroom := f("sum without (limit) (%s)", of("headroom_bytes", `limit="host"`))
	held := of("child_private_dirty_bytes")
	return f("(max by (host) (%s) + sum by (host) (%s))",
		onHost(f("(%[1]s - %[2]s or %[1]s)", headroom, held)), onHost(f("(%s and %s or %s * 0)", held, headroom, headroom)))
}

func hostRow() row {
	bytes := unit("bytes")
	needs := f("sum by (host) (%s)", onHost(need()))
	return row{title: "All servers of one host fork at once", lines: []line{
		{9, []panel{{
			title: "Every host, the least likely to survive it first", width: columns, unit: "none",
			visual: table(object{"displayName": "Need of headroom", "desc": true}), none: "no headroom is known",
			about: "A blip of the network can make every primary of a host fork for its replicas at the same time. The sum of what their next forks need, against what the host's memory leaves. A host is what stands before the port in the label that is chosen above, whatever the job: an exporter that is scraped by two jobs counts twice. Servers without a forecast are in no sum; how many they are stands beside it.",
			queries: []query{
				{expr: share(needs, hostRoom())},
				{expr: f("%s - %s", hostRoom(), needs)},
				{expr: needs},
				{expr: hostRoom()},
				{expr: f("sum by (host) (%s)", onHost(of("next_memory_worst_case_bytes")))},
				{expr: f("count by (host) (%s)", onHost(of("up")))},
				{expr: f("count by (host) (%s)", onHost(f("(%s unless %s)", of("up"), need())))},
				{expr: f("sum by (host) (%s)", onHost(f("max without (kind) (%s)", of("child_running"))))},
			},
			transform: columnsOf([]string{"host"},
				[]string{"Need of headroom", "Left after it", "Need of all", "Headroom", "At most", "Servers", "Without a forecast", "Children now"}),
			overrides: list{
				column("Need of headroom", unit("percentunit"), thresholds(list{step("green", nil), step("yellow", 0.7), step("red", 1.0)}), colored(), property("noValue", "no forecast yet")),
				column("Left after it", bytes, property("noValue", "no forecast yet")),
				column("Need of all", bytes, property("noValue", "no forecast yet")),
				column("Headroom", bytes, property("noValue", "not known")), column("At most", bytes, property("noValue", "not known")),
				column("Without a forecast", property("noValue", "none")),
			},
		}}},
		{8, []panel{{
			title: "Left on each host if all of its servers fork at once", width: columns, unit: "bytes", visual: lines(), none: "no forecast: no fork yet",
			about:   "The host's headroom minus the sum of what the next forks of its servers need; the ten hosts that came the lowest in the time shown. Below zero they don't all survive it.",
			queries: []query{{ten("bottomk", "min_over_time", f("(%s - %s)", hostRoom(), needs)), "{{host}}"}},
		}}},
	}}
}

func costsRow() row {
	return row{title: "What did forks cost?", lines: []line{{9, []panel{
		{
			title: "Stall of each fork", width: 12, unit: "s", visual: dots(0.6), none: "no fork in this time",
			about:   "One dot per fork, at the first scrape after its end, of the servers chosen above. The line is at 500 ms, where clients with default timeouts begin to notice.",
			steps:   above("transparent", stallLimit, "red"),
			queries: []query{{atFork(of, "last_stall_seconds"), whoKind}},
		},
		{
			title: "Copy stall as a share of time, the ten highest", width: 12, unit: "percentunit", visual: lines(), none: "not known",
			about:   "Share of the time that a server spent inside the kernel's page copies: the ten servers with the highest peaks in the time shown. It needs the kernel's delay accounting (source taskstats).",
			queries: []query{{ten("topk", "max_over_time", rate(of("copy_stall_seconds_total"))), who}},
		},
	}}}}
}
