package watch

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

// accountEvery is how often delay accounting is looked for where there was none.
const accountEvery = time.Minute

// accountingPrice is what delay accounting costs a server, measured: docs/performance.md.
const accountingPrice = "that costs it some 5 % of its commands right after a fork, and else nothing that shows"

// remedyAccounting says what makes delay accounting available, by what stands in the way.
func remedyAccounting(err error) string {
	switch {
	case errors.Is(err, taskstats.ErrDenied):
		return "give the exporter CAP_NET_ADMIN in the initial user namespace, set kernel.task_delayacct=1 and then restart the server; " + accountingPrice
	case errors.Is(err, taskstats.ErrUnsupported):
		return "it takes a kernel with CONFIG_TASKSTATS, and AF_NETLINK among systemd's RestrictAddressFamilies="
	case errors.Is(err, taskstats.ErrVersion):
		return "it takes Linux 5.19 or later"
	}
	return "set kernel.task_delayacct=1 and then restart the server; " + accountingPrice
}

// errUnaccounted is of a server whose threads the kernel does not account.
var errUnaccounted = errors.New("the kernel does not account this server's delays")

// process is the server's process: proved, held and watched.
type process struct {
	Process
	died opt.Val[time.Time]
	gone bool   // it is not the server any more: it has died, or another is
	stop func() // ends the watch over its children

	cgroup         Cgroup                                 // nil: not to be read
	account        func(pid int) (taskstats.Stats, error) // delay accounting
	accounted      atomic.Bool                            // it tells; followers of the process read it too
	toldAccounting atomic.Bool                            // why it does not was said
	smapsRead      atomic.Bool                            // of one of its children
	hadHuge        atomic.Bool                            // and it had huge pages: the machine may give none now
	smapsDenied    atomic.Bool                            // of its last child that was tried, though the rights seemed to allow it
	accountAt      time.Time                              // no look for delay accounting before
	quiet          []reading                              // the last ones since the last fork, ascending
	endTail        context.CancelFunc                     // ends the tail of the last fork
	room           room
}

func (p *process) close() {
	p.endTail()
	p.stop()
	if p.cgroup != nil {
		p.cgroup.Close()
	}
	p.Close()
}

// read takes a reading of the server's counters, with its child or without.
func (p *process) read(child Process) (reading, error) {
	stat, err := p.Stat()
	if err != nil {
		return reading{}, err
	}
	r := reading{
		at:       time.Now(),
		faults:   stat.MinorFaults,
		resident: stat.ResidentPages * uint64(os.Getpagesize()),
	}
	if ran, err := p.RunTime(); err == nil && ran > 0 {
		r.ran = opt.Of(ran)
	}
	alone := p.cgroup != nil && p.aloneWith(child)
	if status, err := p.Status(); err == nil {
		r.anon = status.RSSAnon
	}
	if alone { // right after: the two are of one moment
		if anonymous, err := p.cgroup.Anonymous(); err == nil {
			r.cgroup = opt.Of(anonymous)
		}
	}
	if p.accounted.Load() {
		if s, err := p.account(p.ID().PID); err == nil {
			r.copies = opt.Of(s)
		}
	}
	return r, nil
}

// aloneWith tells whether nobody is in the server's cgroup but the server and its
// child. Whoever else comes, a shell or a probe, has memory of its own there.
func (p *process) aloneWith(child Process) bool {
	members, err := p.cgroup.Processes()
	if err != nil {
		return false
	}
	for _, pid := range members {
		if pid != p.ID().PID && (child == nil || pid != child.ID().PID) {
			return false
		}
	}
	return true
}

// quietKept is how many readings without a child are kept.
const quietKept = 6

// addQuiet keeps a reading without a child.
func (p *process) addQuiet(r reading) {
	p.quiet = append(p.quiet, r)
	if len(p.quiet) > quietKept {
		p.quiet = slices.Clone(p.quiet[1:])
	}
}

// takeQuiet returns the readings that were taken before a birth, and forgets all
// of them: what comes after it is of another time.
func (p *process) takeQuiet(birth time.Time) []reading {
	quiet := slices.DeleteFunc(p.quiet, func(r reading) bool { return r.at.After(birth) })
	p.quiet = nil
	return quiet
}

// calmFaults is how many faults in the second before a birth are nothing to speak of.
const calmFaults = 256

// calm tells whether the server had hardly any faults beyond its growth before a quiet
// reading: no tail of an earlier fork. Then those from there to a birth a moment later
// are the fork's. Where a fault may be a huge page, it must not have grown either.
func calm(quiet []reading, page uint64, huge bool) bool {
	n := len(quiet)
	if n < 2 {
		return false
	}
	from, to := quiet[n-2], quiet[n-1]
	if huge {
		return to.faults-from.faults < calmFaults
	}
	return to.beyondGrowth(from, page) < calmFaults
}

// openCounters finds out which counters there are of a server.
func (w *Watcher) openCounters(p *process) {
	if !w.opts.Sampling {
		return
	}
	cgroup, err := w.opts.Machine.MemoryCgroup(p.ID().PID)
	if err == nil {
		p.cgroup = cgroup
	} else {
		w.log.Debug("The server's memory cgroup can't be read", "err", err)
	}
	w.openAccounting(p)
}

// openAccounting finds out whether the kernel accounts the server's delays; said
// once, and looked at again now and then: an answer may be missing by chance.
func (w *Watcher) openAccounting(p *process) {
	p.accountAt = time.Now().Add(accountEvery)
	accounted, err := w.opts.Machine.Accounted(p.ID().PID)
	if err == nil && (!accounted || w.opts.Machine.AccountingOff()) {
		err = errUnaccounted
	}
	if err != nil {
		w.noAccounting(p, err)
		return
	}
	if info, ok := w.last.what.Get(); p.account == nil {
		mainServes := !ok || info.Software != redisinfo.SoftwareKeyDB // whose worker threads serve, one at a time
		p.account = func(pid int) (taskstats.Stats, error) { return w.opts.Machine.Accounting(pid, mainServes) }
	}
	p.accounted.Store(true)
	w.opts.Server.SetAvailable(fork.SourceTaskstats, true)
}

// noAccounting notes that delay accounting does not tell of a process. Anybody may
// call it.
func (w *Watcher) noAccounting(p *process, why error) {
	said := slog.LevelDebug
	if first := !p.toldAccounting.Swap(true); first || p.accounted.Load() {
		said = slog.LevelInfo
	}
	p.accounted.Store(false)
	w.opts.Server.SetAvailable(fork.SourceTaskstats, false)
	w.log.Log(context.Background(), said, "The time that copies take is not known", "why", why, "remedy", remedyAccounting(why))
}

// checkAccounting notices that delay accounting was switched off. Anybody may call it.
func (w *Watcher) checkAccounting(p *process) {
	if p.accounted.Load() && w.opts.Machine.AccountingOff() {
		w.noAccounting(p, errUnaccounted)
	}
}

// readQuiet notes the counters while there is no child.
func (w *Watcher) readQuiet() {
	p := w.process
	if !w.opts.Sampling || w.living() > 0 {
		return
	}
	if !p.accounted.Load() && time.Now().After(p.accountAt) {
		w.openAccounting(p)
	}
	w.checkAccounting(p)
	r, err := p.read(nil)
	if err != nil {
		return
	}
	if p.accounted.Load() && !r.copies.Present() {
		w.openAccounting(p) // no answer: why?
	}
	w.opts.Server.SetAvailable(fork.SourceCgroup, r.cgroup.Present())
	p.addQuiet(r)
}
