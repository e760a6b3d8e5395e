package pages

import (
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/exporter/api"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/chart"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// pageLimit is how many rows the table has unless ?limit= asks for others: each
// carries a picture of some kilobytes.
const pageLimit = 200

type forksPage struct {
	common
	Problem  string // with the query; no fork is shown then
	Filter   api.Filter
	Servers  []string
	Kinds    []fork.Kind
	Outcomes []string
	Rows     []forkRow
	Matched  int
	Total    int
	JSON     string // query of the same forks as JSON
}

type forkRow struct {
	fork.Record
	Age     opt.Val[float64] // lifetime, or seconds so far
	Picture template.HTML
}

func (s *site) forks(w http.ResponseWriter, r *http.Request) {
	now := s.opts.Now()
	all := s.src.Forks()
	p := forksPage{
		common: s.common(r, "Forks", "forks", now),
		Kinds:  fork.Kinds[:], Outcomes: api.Outcomes(), Total: len(all),
	}
	for _, st := range s.src.Snapshot().Servers {
		p.Servers = append(p.Servers, st.Name)
	}
	for i := range all {
		p.Servers = append(p.Servers, all[i].Server) // of a server that is no longer watched
	}
	slices.Sort(p.Servers)
	p.Servers = slices.Compact(p.Servers)

	f, err := api.ParseFilter(r.URL.Query())
	p.Filter = f
	if err != nil {
		p.Problem = err.Error()
		s.page(w, http.StatusBadRequest, "forks", p)
		return
	}
	p.JSON = f.Query()
	if f.Limit == 0 {
		f.Limit = pageLimit
	}
	chosen, matched := f.Apply(runningFirst(all))
	if f.At.Present() && matched == 1 {
		w.Header().Set("Location", p.Root+"forks/"+chosen[0].ID) // relative, as all our links are
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	p.Matched = matched
	for i := range chosen {
		p.Rows = append(p.Rows, row(chosen[i], now))
		p.Refresh = p.Refresh || chosen[i].Running()
	}
	s.page(w, http.StatusOK, "forks", p)
}

func row(f fork.Record, now time.Time) forkRow {
	return forkRow{Record: f, Age: age(&f, now), Picture: chart.Small(f, now)}
}

// age returns the lifetime of f, or how long it has been running.
func age(f *fork.Record, now time.Time) opt.Val[float64] {
	if f.Running() {
		return opt.Of(max(0, now.Sub(f.Start).Seconds()))
	}
	return f.LifetimeSeconds
}

// runningFirst returns forks with the running ones at the top; each part stays newest
// first.
func runningFirst(forks []fork.Record) []fork.Record {
	out := slices.Clone(forks)
	slices.SortStableFunc(out, func(a, b fork.Record) int {
		switch ra, rb := a.Running(), b.Running(); {
		case ra && !rb:
			return -1
		case rb && !ra:
			return 1
		}
		return 0
	})
	return out
}
