package pages

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/exporter/api"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
)

// Source is where the pages get what they show. Everything it returns is a copy.
type Source interface {
	// Snapshot returns the state of all servers, sorted by name.
	Snapshot() history.Snapshot
	api.Source // the forks
}

// Link is one more place to go from the landing page.
type Link struct {
	Text string
	URL  string // absolute, or relative to the landing page
	Note string // what is found there, may be empty
}

// Options are what the pages say beside the history. The zero Options work.
type Options struct {
	Version     string           // of the exporter; "" hides it
	MetricsPath string           // "/metrics" when empty
	HealthyPath string           // "/-/healthy" when empty
	Links       []Link           // documentation, dashboards, …
	SamplingOff bool             // nobody's memory is read, by the user's wish
	Kept        int              // closed forks kept per server; history.RingSize when 0
	Now         func() time.Time // time.Now when nil
	Logger      *slog.Logger     // for failures to render; none when nil
}

// site answers all requests.
type site struct {
	src   Source
	opts  Options
	style stylesheet
	tmpl  templates
}

// New returns the handler of
//
//	/                      the servers, now
//	/forks                 a table of forks: ?server= ?kind= ?outcome= ?limit=
//	/forks/{id}            one fork
//	/forks/{id}.svg        its curve as a file
//	/static/style.css
//
// and of a 404 page for every other path. It draws what src has. It answers GET and
// HEAD, anything else with 405. What else the exporter serves (the API, metrics,
// health) has to be mounted beside it.
func New(src Source, opts Options) http.Handler {
	if opts.MetricsPath == "" {
		opts.MetricsPath = "/metrics"
	}
	if opts.HealthyPath == "" {
		opts.HealthyPath = "/-/healthy"
	}
	if opts.Kept == 0 {
		opts.Kept = history.RingSize
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := &site{src: src, opts: opts, style: newStylesheet(), tmpl: parseTemplates()}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.landing)
	mux.HandleFunc("GET /forks", s.forks)
	mux.HandleFunc("GET /forks/{id}", s.fork)
	mux.HandleFunc("GET /static/style.css", s.style.serve)
	mux.HandleFunc("GET /", s.notFound) // of GET only, so that the mux itself answers 405 to the rest
	return mux
}
