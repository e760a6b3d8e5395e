package pages

import (
	"html/template"
	"net/http"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/chart"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// templates are the pages by name, each with the base layout around it.
type templates map[string]*template.Template

func parseTemplates() templates {
	out := templates{}
	for _, name := range []string{"landing", "forks", "fork", "missing"} {
		out[name] = template.Must(template.New(name).Funcs(funcs()).ParseFS(files, "templates/base.html", "templates/"+name+".html"))
	}
	return out
}

func funcs() template.FuncMap {
	return template.FuncMap{
		"bytes":   bytesHTML,
		"seconds": secondsHTML,
		"count":   countHTML,
		"percent": percentHTML,
		"rate":    rateHTML,
		"when":    whenHTML,
		"ago":     ago,
		"utc":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" },
		"clock":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
		"word":    words.Outcome,
		"class":   chart.OutcomeClass,
		"kind":    words.Kind,

		"everyPage": func() string { return words.EveryPage },
		"belowHigh": func() string { return words.BelowHigh },
	}
}

// common is what the base layout needs of every page.
type common struct {
	Title   string
	Nav     string // which entry of the navigation this is
	Root    string // relative way to the landing page, ends in "/"
	Metrics string // relative to Root
	Version string
	Style   string    // version of the stylesheet
	Refresh bool      // a fork is under way: load the page again soon
	Now     time.Time // of this rendering
}

// common returns what the base layout needs of the page with title, for the request r.
func (s *site) common(r *http.Request, title, nav string, now time.Time) common {
	return common{
		Title: title, Nav: nav, Root: root(r), Metrics: relative(s.opts.MetricsPath),
		Version: s.opts.Version, Style: s.style.Version, Now: now,
	}
}

// relative returns the absolute path without its slashes in front, to be appended to
// the root.
func relative(path string) string {
	for len(path) > 0 && path[0] == '/' {
		path = path[1:]
	}
	return path
}
