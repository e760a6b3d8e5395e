package watch

import (
	"context"
	"os"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

const remedyAccounting = "give the exporter CAP_NET_ADMIN, set kernel.task_delayacct=1 and then restart the server"

// process is the server's process: proved, held and watched.
type process struct {
	Process
	died opt.Val[time.Time]
	stop func() // ends the watch over its children

	cgroup    Cgroup                                 // nil: not to be read
	account   func(pid int) (taskstats.Stats, error) // delay accounting; nil: none
	quiet     dated[reading]                         // the last reading without a child
	quietPrev dated[reading]                         // and the one before it
	endTail   context.CancelFunc                     // ends the tail of the last fork
}

func (p *process) close() {
	p.endTail()
	p.stop()
	if p.cgroup != nil {
		p.cgroup.Close()
	}
	p.Close()
}

// read takes a reading of the server's counters.
func (p *process) read() (reading, error) {
	stat, err := p.Stat()
	if err != nil {
		return reading{}, err
	}
	r := reading{
		at:       time.Now(),
		faults:   stat.MinorFaults,
		resident: stat.ResidentPages * uint64(os.Getpagesize()),
	}
	if p.cgroup != nil {
		if status, err := p.Status(); err == nil {
			r.anon = status.RSSAnon
		}
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

// quietBefore is the last reading that was taken before a birth and without a child.
func (p *process) quietBefore(birth time.Time) opt.Val[reading] {
	return before(birth, p.quiet, p.quietPrev)
}

// openCounters finds out which counters there are of a server.
func (w *Watcher) openCounters(p *process) {
	pid := p.ID().PID
	cgroup, err := w.opts.Machine.MemoryCgroup(pid)
	if err == nil {
		p.cgroup = cgroup
	} else {
		w.log.Debug("The server's memory cgroup can't be read", "err", err)
	}
	switch accounted, err := w.opts.Machine.Accounted(pid); {
	case err != nil:
		w.log.Info("The time that copies take is not known", "why", err, "remedy", remedyAccounting)
	case !accounted:
		w.log.Info("The time that copies take is not known", "why", "the kernel does not account this server's delays", "remedy", remedyAccounting)
	default:
		p.account = w.opts.Machine.Accounting
	}
	w.opts.Server.SetAvailable(history.SourceTaskstats, p.account != nil)
}

// readQuiet notes the counters while there is no child, and who else is in the
// server's cgroup.
func (w *Watcher) readQuiet() {
	p := w.process
	if !w.opts.Sampling || w.living() > 0 {
		return
	}
	if p.cgroup != nil {
		members, err := p.cgroup.Processes()
		own := err == nil && len(members) == 1 && members[0] == p.ID().PID
		w.opts.Server.SetAvailable(history.SourceCgroup, own)
		if !own {
			p.quiet, p.quietPrev = dated[reading]{}, dated[reading]{}
			return
		}
	}
	r, err := p.read()
	if err != nil {
		return
	}
	p.quiet, p.quietPrev = dated[reading]{opt.Of(r), r.at}, p.quiet
}
