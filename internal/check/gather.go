package check

import (
	"context"
	"errors"
	"slices"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// facts are all that the findings are made from. What could not be read is absent.
type facts struct {
	state    track.State
	host     limits.Host
	settings settings
	user     string // that asked

	noPast error  // why a running exporter's history is not among the facts
	twin   string // name of the checked server that has this one's process; "" without such

	oomScoreAdj      opt.Val[int]    // of the server
	oomGroup         opt.Val[string] // "" is none
	hugePagesAllowed opt.Val[bool]   // to the server
	delayAccounting  opt.Val[bool]   // the kernel's switch
	disk             opt.Val[proc.Disk]
	rdbFileBytes     opt.Val[uint64] // of the last save, absent without one
}

// settings are the server's own, by CONFIG GET.
type settings struct {
	refused bool // the user may not ask
	failed  bool // asked for, without an answer
	values  map[string]string
}

// asked are the settings that the findings need. None of them is a secret.
var asked = [...]string{
	"save", "stop-writes-on-bgsave-error", "disable-thp", "oom-score-adj", "oom-score-adj-values", "repl-diskless-sync", "dbfilename",
}

// get returns a setting; absent where it was not told, or the server has none of
// that name.
func (s settings) get(name string) opt.Val[string] {
	if v, ok := s.values[name]; ok {
		return opt.Of(v)
	}
	return opt.Val[string]{}
}

// gather returns what the watcher found out about s, and what else the findings need.
func gather(ctx context.Context, watched *fleet.Fleet, s fleet.Server, past []fork.Record) facts {
	f := facts{state: s.History.State(), host: watched.Store.Snapshot().Host, user: s.Options.Username}
	if f.user == "" {
		f.user = "default"
	}
	if f.state.Up {
		f.settings = askSettings(ctx, s.Options)
	}
	f.delayAccounting = known(watched.Limits.DelayAccounting())
	if pid, ok := f.state.PID.Get(); ok {
		f.readProcess(watched, pid)
	}
	f.twin = twin(watched, &f.state)
	if forks := of(past, &f.state); len(forks) > 0 {
		f.state.Recent = forks // what was seen here in these seconds is among them
	}
	return f
}

// twin returns the name of the server of watched that is the same as st's, by its run ID,
// and has the process; "" without such.
func twin(watched *fleet.Fleet, st *track.State) string {
	if st.Info == nil || st.Info.RunID == "" || st.PID.Present() {
		return ""
	}
	for _, s := range watched.Servers {
		if other := s.History.State(); other.PID.Present() && other.Info != nil && other.Info.RunID == st.Info.RunID {
			return other.Name
		}
	}
	return ""
}

// askSettings returns the server's settings: it asks for each by its name, over a
// connection of its own.
func askSettings(ctx context.Context, o redisinfo.Options) settings {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	c := redisinfo.NewClient(o)
	defer c.Close()
	s := settings{values: map[string]string{}}
	for _, name := range asked {
		value, err := c.Setting(ctx, name)
		if errors.Is(err, redisinfo.ErrMayNotAsk) {
			s.refused = true // so are the others; each refusal is an entry in the server's ACL LOG
			return s
		}
		if err != nil {
			s.failed = true
			return s
		}
		if v, ok := value.Get(); ok {
			s.values[name] = v
		}
	}
	return s
}

func (f *facts) readProcess(watched *fleet.Fleet, pid int) {
	f.oomScoreAdj = known(watched.Limits.OOMScoreAdj(pid))
	f.oomGroup = known(watched.Limits.OOMGroup(pid))
	if status, err := watched.FS.Status(pid); err == nil {
		f.hugePagesAllowed = status.HugePages
	}
	f.disk = known(watched.FS.Disk(pid))
	if name, ok := f.settings.get("dbfilename").Get(); ok {
		if size, err := watched.FS.FileSize(pid, name); err == nil {
			f.rdbFileBytes = size
		}
	}
}

func known[T any](v T, err error) opt.Val[T] {
	if err != nil {
		return opt.Val[T]{}
	}
	return opt.Of(v)
}

// of returns the forks of the server st among past, those that an exporter remembers:
// as many as a state has, newest first; those under its name, or else those of its
// process.
func of(past []fork.Record, st *track.State) []fork.Record {
	closed := func(same func(*fork.Record) bool) (out []fork.Record) {
		kept := map[fork.Kind]int{}
		for i := range past {
			if f := &past[i]; !f.Running() && same(f) && kept[f.Kind] < track.RecentForks {
				kept[f.Kind]++
				out = append(out, *f)
			}
		}
		return out
	}
	past = slices.Clone(past)
	slices.SortStableFunc(past, func(a, b fork.Record) int { return b.Start.Compare(a.Start) })
	if named := closed(func(f *fork.Record) bool { return f.Server == st.Name }); len(named) > 0 {
		return named
	}
	pid, ok := st.PID.Get()
	return closed(func(f *fork.Record) bool { return ok && f.ServerPID == pid })
}
