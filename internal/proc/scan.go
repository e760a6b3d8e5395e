package proc

import (
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// watchByScan does for p what ChildPoller.Watch does, on kernels without children
// files, by looking at the parent of every process. It costs far more and looks
// rarely. stop ends it.
func watchByScan(fs FS, p *Process, notify func(pids []int)) (stop func()) {
	done := make(chan struct{})
	last := fs.childrenByScan(p.ID().PID)
	notify(last)
	var scanner sync.WaitGroup
	scanner.Go(func() {
		tick := time.NewTicker(scanEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-p.Exited():
				if len(last) > 0 {
					notify(nil)
				}
				return
			case <-tick.C:
			}
			if pids := fs.childrenByScan(p.ID().PID); !slices.Equal(pids, last) {
				last = pids
				notify(pids)
			}
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		scanner.Wait()
	})
}

// childrenByScan returns the children of the process parent, in ascending order.
func (fs FS) childrenByScan(parent int) (pids []int) {
	entries, err := os.ReadDir(fs.proc)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		b, err := fs.read(pid, "stat")
		if err != nil {
			continue // gone meanwhile
		}
		var s Stat
		if ParseStat(b, &s) == nil && s.PPID == parent {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}
