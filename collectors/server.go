package collectors

import "time"

const groupServer = "Is the server there, and which one is it?"

func serverFamily() family {
	up := &Metric{
		Name:  "redis_fork_up",
		Type:  Gauge,
		Help:  "1 if the server answered the last INFO, 0 if not.",
		Note:  "At 0, every figure that comes from INFO is absent, while forks go on to be followed through the server's process.",
		Needs: "–",
	}
	info := &Metric{
		Name:   "redis_fork_server_info",
		Type:   Gauge,
		Labels: []string{"software", "version", "mode", "role", "run_id"},
		Help:   "Always 1; what the server says of itself in INFO (redis_version, redis_mode, role, run_id).",
		Note:   "The run_id is new at every start of the server and the same as in redis_exporter's redis_instance_info.",
		Needs:  "INFO",
		Absent: "the server does not answer",
	}
	start := &Metric{
		Name:   "redis_fork_server_start_time_seconds",
		Type:   Gauge,
		Help:   "When the server started, in seconds since 1970, by its process or else by INFO (uptime_in_seconds).",
		Note:   "From INFO it wavers by a second: tell restarts by the run_id, not by changes of this.",
		Needs:  "process or INFO",
		Absent: "neither is known",
	}
	return family{
		group:    groupServer,
		forkless: true,
		metrics:  []*Metric{up, info, start},
		perServer: func(v view, out sink) {
			out.flag(up, v.Up)
			if i := v.current; v.Up && v.Info != nil {
				out.value(info, 1, i.Software, i.Version, i.Mode, i.Role, i.RunID)
			}
			if t, ok := v.StartTime.Get(); ok {
				out.value(start, unixSeconds(t))
			} else if t, ok := v.infoStart().Get(); ok {
				out.value(start, unixSeconds(t.Truncate(time.Second)))
			}
		},
	}
}
