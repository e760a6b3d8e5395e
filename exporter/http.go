package exporter

import (
	"io"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	promcollectors "github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/version"

	"github.com/redis-fork-exporter/redis_fork_exporter/collectors"
	"github.com/redis-fork-exporter/redis_fork_exporter/dashboards"
	"github.com/redis-fork-exporter/redis_fork_exporter/exporter/api"
	"github.com/redis-fork-exporter/redis_fork_exporter/exporter/curve"
	"github.com/redis-fork-exporter/redis_fork_exporter/exporter/pages"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
)

// newHandler returns the handler of everything that is served: what is in store, as c
// says.
func newHandler(c *Config, store *history.Store) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+c.TelemetryPath, metrics(store, c.Logger))
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		plain(w, http.StatusOK, "healthy\n")
	})
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		if name, ok := unasked(store.Snapshot()); ok {
			plain(w, http.StatusServiceUnavailable, "not ready: "+name+" has not been asked yet\n")
			return
		}
		plain(w, http.StatusOK, "ready\n")
	})
	mux.Handle("/curve", curve.New(store.Feeds))
	mux.Handle("GET /dashboards/", http.StripPrefix("/dashboards/", http.FileServerFS(dashboards.FS)))
	mux.Handle("/api/", api.New(store, c.Logger))
	mux.Handle("/", pages.New(store, pages.Options{
		Version:     version.Version,
		MetricsPath: c.TelemetryPath,
		SamplingOff: !c.Sampling,
		Links: []pages.Link{
			{Text: "curve", URL: "curve", Note: "the points of the last minute"},
			{Text: "dashboards", URL: "dashboards/", Note: "for Grafana, and rules for Prometheus, of this version"},
		},
	}))
	return mux
}

// unasked returns the name of a server in s of which nothing is known yet, neither
// good nor bad; false where there is none.
func unasked(s history.Snapshot) (string, bool) {
	for _, server := range s.Servers {
		if !server.Asked {
			return server.Name, true
		}
	}
	return "", false
}

// metrics returns the handler of the metrics: those of the servers in store, and
// those of this process. Failures go to log.
func metrics(store *history.Store, log *slog.Logger) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.New(store.Snapshot),
		versioncollector.NewCollector("redis_fork_exporter"),
		promcollectors.NewGoCollector(),
		promcollectors.NewProcessCollector(promcollectors.ProcessCollectorOpts{}),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelError),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 8,
		EnableOpenMetrics:   true,
	})
}

// plain answers with status and text, as plain text.
func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
