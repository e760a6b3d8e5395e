package child

import (
	"os"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// Pages is the private memory of a child. *proc.Pages is one; there the methods
// are documented.
type Pages interface {
	Read() ([]proc.PlaceRead, error)
	Places() int
	Weight() float64
	Close()
}

// pageSample estimates a child's private dirty memory from a sample of its pages. They
// are opened when they are first wanted: most forks never need them.
type pageSample struct {
	may  bool      // the pages may be read
	next time.Time // no read before
	born float64   // pages that the child had at its birth, those of files left out

	open  Pages // nil: not opened
	sweep *sweep
}

func (p *pageSample) close() {
	if p.open != nil {
		p.open.Close()
		p.open = nil
	}
}

// anchor takes an exact reading of private bytes, if the pages are in use. work is the
// server's work so far, resident how many pages the child has.
func (p *pageSample) anchor(work, resident float64, private uint64) {
	if p.sweep != nil {
		p.sweep.anchor(work, resident, float64(private)/float64(os.Getpagesize()))
	}
}

// read reads the next places of child and returns what they say. work is the server's
// work so far, resident how many pages the child has.
func (p *pageSample) read(child Process, work, resident float64) (estimate, error) {
	if p.open == nil {
		open, err := child.Pages()
		if err != nil {
			return estimate{}, err
		}
		p.open, p.sweep = open, newSweep(open.Places(), proc.PlacesAtOnce, open.Weight(), p.born)
	}
	reads, err := p.open.Read()
	if err != nil {
		return estimate{}, err
	}
	p.sweep.take(work, resident, reads)
	pages, off := p.sweep.estimate(work, resident)
	page := float64(os.Getpagesize())
	return estimate{uint64(pages * page), uint64(min(off, 1<<50) * page)}, nil // off may be infinite
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
