package watch

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

// accountEvery is how often delay accounting is looked for where there was none.
const accountEvery = time.Minute

const remedyAccounting = "give the exporter CAP_NET_ADMIN, set kernel.task_delayacct=1 and then restart the server"

// process is the server's process: proved, held and watched.
type process struct {
	Process
	died opt.Val[time.Time]
	gone bool   // it is not the server any more: it has died, or another is
	stop func() // ends the watch over its children

	cgroup    Cgroup                                 // nil: not to be read
	account   func(pid int) (taskstats.Stats, error) // delay accounting; nil: none
	accountAt time.Time                              // no look for delay accounting before
	quiet     dated[reading]                         // the last reading without a child
	quietPrev dated[reading]                         // and the one before it
	endTail   context.CancelFunc                     // ends the tail of the last fork
	room      room
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
	if status, err := p.Status(); err == nil {
		r.anon = status.RSSAnon
	}
	if p.cgroup != nil && p.aloneWith(child) {
		if anonymous, err := p.cgroup.Anonymous(); err == nil {
			r.cgroup = opt.Of(anonymous)
		}
	}
	if p.account != nil {
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

// quietBefore is the last reading that was taken before a birth and without a child.
func (p *process) quietBefore(birth time.Time) opt.Val[reading] {
	return before(birth, p.quiet, p.quietPrev)
}

// calmFaults is how many faults in the second before a birth are nothing to speak of.
const calmFaults = 256

// calm tells whether the server had hardly any faults before a quiet reading: no
// tail of an earlier fork, and no growth. Then its faults from there to a birth a
// moment later are the fork's.
func (p *process) calm(quiet reading) bool {
	prev, ok := p.quietPrev.what.Get()
	return ok && prev.at.Before(quiet.at) && quiet.faults-prev.faults < calmFaults
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
	w.openAccounting(p, slog.LevelInfo)
}

// openAccounting finds out whether the kernel accounts the server's delays; said
// once, and looked at again now and then: an answer may be missing by chance.
func (w *Watcher) openAccounting(p *process, level slog.Level) {
	p.accountAt = time.Now().Add(accountEvery)
	switch accounted, err := w.opts.Machine.Accounted(p.ID().PID); {
	case err != nil:
		w.log.Log(context.Background(), level, "The time that copies take is not known", "why", err, "remedy", remedyAccounting)
	case !accounted:
		w.log.Log(context.Background(), level, "The time that copies take is not known", "why", "the kernel does not account this server's delays", "remedy", remedyAccounting)
	default:
		p.account = w.opts.Machine.Accounting
	}
	w.opts.Server.SetAvailable(history.SourceTaskstats, p.account != nil)
}

// readQuiet notes the counters while there is no child.
func (w *Watcher) readQuiet() {
	p := w.process
	if !w.opts.Sampling || w.living() > 0 {
		return
	}
	if p.account == nil && time.Now().After(p.accountAt) {
		w.openAccounting(p, slog.LevelDebug)
	}
	r, err := p.read(nil)
	if err != nil {
		return
	}
	w.opts.Server.SetAvailable(history.SourceCgroup, r.cgroup.Present())
	p.quiet, p.quietPrev = dated[reading]{opt.Of(r), r.at}, p.quiet
}
