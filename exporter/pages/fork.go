package pages

import (
	"html/template"
	"net/http"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/chart"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

type forkPage struct {
	common
	Fork         fork.Record
	Age          opt.Val[float64]
	Wide, Narrow template.HTML
	Facts        []factGroup
	TimesStall   string // the copy time's share of the stall, "" for not known
	Tail         bool   // there is one in the picture
	Older, Newer string // ids of this server's neighbors, "" at the ends
}

func (s *site) fork(w http.ResponseWriter, r *http.Request) {
	id, picture := strings.CutSuffix(r.PathValue("id"), ".svg")
	f, ok := s.src.Fork(id)
	if !ok {
		s.forkGone(w, r)
		return
	}
	now := s.opts.Now()
	if picture {
		w.Header().Set("Content-Security-Policy", svgPolicy())
		send(w, http.StatusOK, "image/svg+xml", chart.Standalone(f, now))
		return
	}
	p := forkPage{
		common: s.common(r, words.Kind(f.Kind)+" of "+f.Server, "forks", now),
		Fork:   f, Age: age(&f, now),
		Wide: chart.Large(f, now), Narrow: chart.Compact(f, now),
		Facts: facts(&f, now), TimesStall: words.CopyStalls(&f),
	}
	going := f.TailGoing(now)
	p.Tail = going || f.Tail.Present()
	p.Refresh = going || f.Running()
	p.Newer, p.Older = neighbors(s.src.Forks(), &f)
	s.page(w, http.StatusOK, "fork", &p)
}

// neighbors returns the ids of the forks of f's server next to f in a list
// that is newest first.
func neighbors(forks []fork.Record, f *fork.Record) (newer, older string) {
	before, met := "", false
	for i := range forks {
		switch x := &forks[i]; {
		case x.Server != f.Server:
		case met:
			return newer, x.ID
		case x.ID == f.ID:
			newer, met = before, true
		default:
			before = x.ID
		}
	}
	return newer, ""
}
