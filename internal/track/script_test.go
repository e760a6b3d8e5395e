package track

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// TestScripts plays the scripts of testdata: what has happened, and below the line what
// that calls for. testdata/README says how to read and write one.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if strings.HasSuffix(path, "README") {
			return
		}
		p := &script{T: t, Server: New("s", "s:6379"), now: time.Unix(1_800_000_000, 0), ids: map[int]string{}}
		datadriven.RunTest(t, path, p.run)
	})
}

// script plays one script.
type script struct {
	*testing.T
	*Server
	now  time.Time
	info redisinfo.Info // the last reply; what a command does not name stays
	ids  map[int]string // forks by their children's pid
	said []string       // by the command that goes on
}

// run carries out one command and returns what it called for, a line each.
func (p *script) run(t *testing.T, d *datadriven.TestData) string {
	p.T, p.said = t, nil
	args := map[string]string{}
	var first string // the one without a key
	for _, a := range d.CmdArgs {
		if len(a.Vals) == 0 {
			first = a.Key
			continue
		}
		args[a.Key] = a.Vals[0]
	}
	number := func(s string) uint64 {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		return n
	}
	duration := func(s string) time.Duration {
		if s == "" {
			return 0
		}
		v, err := time.ParseDuration(s)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		return v
	}
	pid := func() int { return int(number(first)) }
	id := func() string { return p.ids[pid()] }
	switch d.Cmd {
	case "wait":
		p.wait(duration(first))
	case "reply":
		p.reply(t, d, args)
	case "fail":
		p.happen(Failed{Reason: "unreachable", Problem: first})
	case "found":
		p.happen(Found{PID: pid(), Smaps: true})
		for child := range strings.FieldsSeq(strings.ReplaceAll(args["children"], ",", " ")) {
			p.born(int(number(child)), p.now.Add(-time.Minute), true)
		}
		p.happen(Searched{})
	case "not-found":
		p.happen(NotFound{Problem: first})
		p.happen(Searched{})
	case "exited":
		p.happen(Exited{At: p.now})
	case "memory":
		p.happen(Memory{Resident: opt.Of(number(first))})
	case "born":
		p.born(pid(), p.now.Add(-duration(args["ago"])), false)
	case "titled":
		p.happen(Titled{ID: id(), Kind: fork.Kind(args["kind"])})
	case "point":
		var r fork.Readings
		if v, ok := args["private"]; ok {
			r.Private = opt.Of(fork.Sample{Time: p.now, Source: fork.SourceChildSmaps, PrivateDirty: number(v)})
		}
		if v, ok := args["copied"]; ok {
			r.Copies = opt.Of(fork.Copies{Time: p.now, Source: fork.SourceCounters, Bytes: opt.Of(number(v))})
		}
		p.happen(Point{ID: id(), Readings: r})
	case "died":
		p.happen(Died{ID: id(), At: p.now})
	case "reaped":
		e := Reaped{ID: id(), At: p.now, OOMKilled: args["oom"] != ""}
		if v, ok := args["status"]; ok {
			e.Exit = opt.Of(fork.Exit{Status: int(number(v))})
		}
		if v, ok := args["signal"]; ok {
			e.Exit = opt.Of(fork.Exit{Status: -1, Signal: v})
		}
		p.happen(e)
	case "no-fork":
		p.happen(NotAFork{ID: id(), Why: args["why"]})
	case "verified":
		p.happen(Verified{ID: id(), Copy: args["copy"] == "yes"})
	case "tailed":
		p.happen(Tailed{ID: id(), Tail: fork.Tail{Seconds: duration(args["after"]).Seconds()}})
	case "accounts":
		return p.accounts()
	case "open":
		for _, f := range p.Open() {
			p.said = append(p.said, describe(f))
		}
	default:
		d.Fatalf(t, "no such command: %s", d.Cmd)
	}
	if len(p.said) == 0 {
		return "nothing\n"
	}
	return strings.Join(p.said, "\n") + "\n"
}

// happen applies an event, notes what it calls for, and holds the accounts against each other.
func (p *script) happen(e Event) {
	for _, a := range p.Apply(e, p.now) {
		if s := say(a); s != "" {
			p.said = append(p.said, s)
		}
	}
	if err := p.Check(); err != nil {
		p.Fatalf("after %+v: %v", e, err)
	}
}

// wait lets time pass, with what comes with it.
func (p *script) wait(d time.Duration) {
	const step = 100 * time.Millisecond
	for ; d > 0; d -= step {
		before := p.now
		p.now = p.now.Add(min(d, step))
		if p.Waiting() {
			p.happen(Tick{})
		}
		if p.now.Unix() != before.Unix() {
			p.happen(Second{})
		}
	}
}

// reply has INFO answered. What the arguments do not name is as in the reply before.
func (p *script) reply(t *testing.T, d *datadriven.TestData, args map[string]string) {
	i := &p.info
	sent := p.now
	for key, v := range args {
		n, err := strconv.ParseUint(v, 10, 64)
		switch key {
		case "asked":
			ago, bad := time.ParseDuration(v)
			sent, err = p.now.Add(-ago), bad
		case "run":
			i.RunID, err = v, nil
		case "forks":
			i.TotalForks = opt.Of(n)
		case "usec":
			i.LatestFork = opt.Of(time.Duration(n) * time.Microsecond)
		case "commands":
			i.CommandsProcessed = opt.Of(n)
		case "saves":
			i.RDBSaves = opt.Of(n)
		case "saving":
			i.BGSaveInProgress, err = opt.Of(v == "yes"), nil
		case "waiting":
			i.ReplicasWaiting = opt.Of(int(n))
		case "status":
			i.LastBGSaveOK, err = opt.Of(v == "ok"), nil
		case "cow":
			i.RDBLastCOWBytes = opt.Of(n)
		default:
			err = fmt.Errorf("a reply has no %s", key)
		}
		if err != nil {
			d.Fatalf(t, "%s: %v", key, err)
		}
	}
	p.happen(Replied{Sent: sent, At: p.now, Info: p.info})
}

func (p *script) born(pid int, start time.Time, partial bool) {
	p.ids[pid] = fork.ID(start, pid)
	p.happen(Born{PID: pid, Start: start, Seen: p.now, Partial: partial})
}

// accounts says where all forks are.
func (p *script) accounts() string {
	total := p.State().Totals
	var b strings.Builder
	fmt.Fprintf(&b, "counted by the server: %d\n", p.ledger.counted)
	fmt.Fprintf(&b, "children:")
	for _, k := range slices.Sorted(maps.Keys(total.Children)) {
		if n := total.Children[k]; n > 0 {
			fmt.Fprintf(&b, " %s %d", k, n)
		}
	}
	fmt.Fprintf(&b, ", unobserved %d\n", total.UnobservedChild)
	fmt.Fprintf(&b, "stalls: %d in %.3f s, unobserved %d\n", total.Stall.Count, total.Stall.Sum, total.UnobservedDuration)
	return b.String()
}

// describe tells a record in one line.
func describe(f fork.Record) string {
	out := fmt.Sprintf("%d %s", f.ChildPID, f.Kind)
	if !f.Running() {
		out += " " + string(f.Outcome)
	}
	if f.Partial {
		out += " partial"
	}
	if v, ok := f.StallSeconds.Get(); ok {
		out += fmt.Sprintf(" stall=%gs", v)
	}
	if v, ok := f.LifetimeSeconds.Get(); ok {
		out += fmt.Sprintf(" life=%gs", v)
	}
	if v, ok := f.PeakBytes.Get(); ok {
		out += fmt.Sprintf(" private=%d", v)
	}
	if v, ok := f.CopiedBytes.Get(); ok {
		out += fmt.Sprintf(" copied=%d", v)
	}
	if v, ok := f.ReportedCOWBytes.Get(); ok {
		out += fmt.Sprintf(" reported=%d", v)
	}
	return out
}

// say tells an action in a line; what is drawn is left to the tests of the feed.
func say(a Action) string {
	switch a := a.(type) {
	case Ask:
		return "ask: " + string(a.Reason)
	case Find:
		return "find the process"
	case Detach:
		return "let the process go"
	case Verify:
		return "verify " + child(a.ID)
	case Release:
		return "release " + child(a.ID)
	case Opened:
		return "opened " + describe(a.Record)
	case Dropped:
		return "dropped " + child(a.ID)
	case Closed:
		return "closed " + describe(a.Record)
	case TailEnded:
		return fmt.Sprintf("tail of %s: %gs", child(a.ID), a.Tail.Seconds)
	case TailKnown:
		return "tail into the record of " + child(a.ID)
	case Drawn, LinesEnded:
		return ""
	}
	return strings.TrimPrefix(fmt.Sprintf("%T %+v", a, a), "track.")
}

// child returns the pid in a fork's ID.
func child(id string) string {
	_, pid, _ := strings.Cut(id, "-")
	return pid
}
