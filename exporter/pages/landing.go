package pages

import (
	"cmp"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/chart"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// landing is what the first page shows.
type landing struct {
	common
	Servers      []serverCard
	Up           int
	Running      int
	Failure      *fork.Record // newest failed fork that is kept
	LongestStall *fork.Record // among the kept forks
	Kept         int          // forks in the table
	Host         limits.Host
	Overcommit   string
	Links        []Link
	Healthy      string
}

// serverCard is one server's part of it.
type serverCard struct {
	track.State
	Anchor   string
	Software string // "Redis 7.0.15, master"; "" before the first INFO
	Resident opt.Val[uint64]
	Survival *survival // nil for software that never forks
	Running  []runningChild
	Last     []lastFork
	Sources  []sourceState
	Errors   []readErrors
	Followed uint64 // forks since the exporter started
	Failed   uint64
	Missed   uint64
}

type runningChild struct {
	track.Child
	ID           string // "" when the fork's record is not to be had
	Age          opt.Val[float64]
	PrivateDirty opt.Val[uint64]
	Picture      template.HTML
}

type lastFork struct {
	track.LastFork
	Kind fork.Kind
	ID   string // "" when the record is no longer kept
}

type readErrors struct {
	Name  string
	Count uint64
}

func (s *site) landing(w http.ResponseWriter, r *http.Request) {
	now := s.opts.Now()
	snap, forks := s.src.Snapshot(), s.src.Forks()
	p := landing{
		common: s.common(r, "", "servers", now),
		Kept:   len(forks), Host: snap.Host, Links: s.opts.Links,
		Healthy: strings.TrimPrefix(s.opts.HealthyPath, "/"),
	}
	for i := range forks {
		f := &forks[i]
		if _, bad := f.Outcome.Reason(); bad && p.Failure == nil {
			p.Failure = f
		}
		if v, ok := f.StallSeconds.Get(); ok && (p.LongestStall == nil || v > p.LongestStall.StallSeconds.Or(0)) {
			p.LongestStall = f
		}
	}
	for i, st := range snap.Servers {
		c := card(st, forks, now, s.opts.SamplingOff)
		if !st.Info.NeverForks() {
			next := survivalOf(&st, &snap.Host)
			c.Survival = &next
		}
		c.Anchor = "server-" + strconv.Itoa(i+1)
		p.Servers = append(p.Servers, c)
		p.Running += len(c.Running)
		if st.Up {
			p.Up++
		}
	}
	if mode, ok := snap.Host.OvercommitMode.Get(); ok {
		p.Overcommit = overcommitWord(mode)
	}
	p.Refresh = p.Running > 0
	s.page(w, http.StatusOK, "landing", p)
}

func card(st track.State, forks []fork.Record, now time.Time, samplingOff bool) serverCard {
	c := serverCard{State: st, Resident: st.ResidentBytes, Sources: sources(st, samplingOff), Missed: st.Totals.UnobservedChild}
	if i := st.Info; i != nil {
		c.Software = strings.Join(nonEmpty(i.Software+" "+i.Version, i.Mode, i.Role), ", ")
		if !c.Resident.Present() {
			c.Resident = i.UsedMemoryRSS
		}
	}
	for _, ch := range st.Children {
		rc := runningChild{Child: ch}
		if !ch.Start.IsZero() {
			rc.Age = opt.Of(max(0, now.Sub(ch.Start).Seconds()))
		}
		if sample, ok := ch.Sample.Get(); ok {
			rc.PrivateDirty = opt.Of(sample.PrivateDirty)
		}
		if f := find(forks, st.Name, ch.Start, func(f *fork.Record) bool { return f.Running() }); f != nil {
			rc.ID, rc.Picture = f.ID, chart.Small(*f, now)
		}
		c.Running = append(c.Running, rc)
	}
	for _, k := range fork.Kinds {
		l, ok := st.Last[k]
		if !ok {
			continue
		}
		row := lastFork{LastFork: l, Kind: k}
		if f := find(forks, st.Name, l.Start, func(f *fork.Record) bool { return f.Kind == k }); f != nil {
			row.ID = f.ID
		}
		c.Last = append(c.Last, row)
	}
	slices.SortStableFunc(c.Last, func(a, b lastFork) int { return b.Start.Compare(a.Start) })
	for _, n := range st.Totals.Children {
		c.Followed += n
	}
	for _, byReason := range st.Totals.Failed {
		for _, n := range byReason {
			c.Failed += n
		}
	}
	for e, n := range st.Totals.ReadErrors {
		if n > 0 {
			c.Errors = append(c.Errors, readErrors{string(e.Source) + " " + e.Reason, n})
		}
	}
	slices.SortFunc(c.Errors, func(a, b readErrors) int { return cmp.Compare(a.Name, b.Name) })
	return c
}

// find returns a server's fork that was born at start, nil for none.
func find(forks []fork.Record, server string, start time.Time, also func(*fork.Record) bool) *fork.Record {
	for i := range forks {
		if f := &forks[i]; f.Server == server && f.Start.Equal(start) && also(f) {
			return f
		}
	}
	return nil
}

func overcommitWord(mode int) string {
	switch mode {
	case 0:
		return "0, heuristic"
	case 1:
		return "1, always"
	case 2:
		return "2, never: a fork needs its whole commit up front"
	}
	return strconv.Itoa(mode)
}

func nonEmpty(ss ...string) []string {
	return slices.DeleteFunc(ss, func(s string) bool { return strings.TrimSpace(s) == "" })
}
