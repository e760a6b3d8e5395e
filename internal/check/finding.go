package check

import (
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Level is how bad a finding is.
type Level string

// The levels.
const (
	OK      Level = "ok"
	Unknown Level = "unknown" // it could not be read
	Warn    Level = "warn"
	Fail    Level = "fail"
)

// Finding is one thing that was looked at.
type Finding struct {
	Name  string `json:"name"`
	Level Level  `json:"level"`
	Why   string `json:"why"`            // one sentence
	Mend  string `json:"mend,omitempty"` // one line that mends it, or would bring more
	Docs  string `json:"docs"`
}

// The names of the findings, which are the anchors in docs/check.md.
const (
	refusedFork     = "refused-fork"
	cgroupLimit     = "cgroup-limit"
	overcommit      = "overcommit"
	oomScore        = "oom-score"
	oomGroup        = "oom-group"
	diskSpace       = "disk-space"
	lastOutcome     = "last-outcome"
	stopWrites      = "stop-writes"
	savePoints      = "save-points"
	disklessSync    = "diskless-sync"
	expectedStall   = "expected-stall"
	hugePages       = "huge-pages"
	disableTHP      = "disable-thp"
	process         = "process"
	childMemory     = "child-memory"
	outcomes        = "outcomes"
	memoryCgroup    = "memory-cgroup"
	delayAccounting = "delay-accounting"
	serverSettings  = "server-settings"
	pastForksKnown  = "past-forks"
)

func (f *facts) ok(name, why string) Finding         { return finding(name, OK, why, "") }
func (f *facts) warn(name, why, mend string) Finding { return finding(name, Warn, why, mend) }
func (f *facts) fail(name, why, mend string) Finding { return finding(name, Fail, why, mend) }

// unread returns the finding that what, which is read from the server's process, could
// not be read.
func (f *facts) unread(name, what, mend string) Finding {
	if !f.state.PID.Present() {
		mend = "see " + process
	}
	return finding(name, Unknown, what+" could not be read.", mend)
}

// unsaid returns the finding that the server did not tell setting.
func (f *facts) unsaid(name, setting string) Finding {
	switch {
	case f.settings.refused:
		return finding(name, Unknown, "User "+f.user+" may not ask for "+setting+".", f.mendACL())
	case f.settings.failed:
		return finding(name, Unknown, "The server has not answered when asked for "+setting+".", "run check again")
	}
	return finding(name, Unknown, "The server has no setting "+setting+": it is too old for it, or another kind of server.", "")
}

func finding(name string, level Level, why, mend string) Finding {
	return Finding{Name: name, Level: level, Why: why, Mend: mend, Docs: "docs/check.md#" + name}
}

const mendCgroup = "run this where /sys/fs/cgroup shows the server's cgroup: on the host, or with its mount"

// mendACL returns the command that gives the user the right to ask.
func (f *facts) mendACL() string { return "ACL SETUSER " + f.user + " +config|get" }

// yes returns what setting says, which is yes or no; absent for anything else.
func yes(setting opt.Val[string]) opt.Val[bool] {
	switch v, _ := setting.Get(); strings.ToLower(v) {
	case "yes":
		return opt.Of(true)
	case "no":
		return opt.Of(false)
	}
	return opt.Val[bool]{}
}
