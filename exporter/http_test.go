package exporter

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/storetest"
)

// ask sends one request to a handler.
func ask(t *testing.T, h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func TestHealthAndReadiness(t *testing.T) {
	store := history.New()
	a, b := storetest.Add(store, "a"), storetest.Add(store, "b")
	c := testConfig(t, "a", "b")
	h := newHandler(&c, store)
	want := func(path string, status int, text string) {
		t.Helper()
		if w := ask(t, h, http.MethodGet, path); w.Code != status || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: %d %q, want %d %q", path, w.Code, w.Body, status, text)
		}
	}
	want("/-/healthy", http.StatusOK, "healthy")
	want("/-/ready", http.StatusServiceUnavailable, "a has not been asked yet")
	a.Up(redisinfo.Info{})
	want("/-/ready", http.StatusServiceUnavailable, "b has not been asked yet")
	b.Down("connection refused") // that is an answer too: restarting the exporter would not help
	want("/-/ready", http.StatusOK, "ready")
	a.Down("connection refused")
	want("/-/ready", http.StatusOK, "ready")
	want("/-/healthy", http.StatusOK, "healthy")
}

func TestPaths(t *testing.T) {
	store := history.New()
	store.AddServer("cache", "h:6379")
	c := testConfig(t, "cache=h")
	c.TelemetryPath = "/own/path"
	h := newHandler(&c, store)
	for _, test := range []struct {
		method, path string
		status       int
		text         string
	}{
		{http.MethodGet, "/", http.StatusOK, "cache"},
		{http.MethodGet, "/", http.StatusOK, "own/path"},
		{http.MethodGet, "/forks", http.StatusOK, ""},
		{http.MethodGet, "/api/v1/forks", http.StatusOK, `"forks":[]`},
		{http.MethodGet, "/own/path", http.StatusOK, "redis_fork_up"},
		{http.MethodHead, "/own/path", http.StatusOK, ""},
		{http.MethodHead, "/", http.StatusOK, ""},
		{http.MethodHead, "/-/healthy", http.StatusOK, ""},
		{http.MethodGet, "/dashboards/", http.StatusOK, "redis-fork-instance.json"},
		{http.MethodGet, "/dashboards/redis-fork-fleet.json", http.StatusOK, `"uid": "redis-fork-fleet"`},
		{http.MethodGet, "/dashboards/redis-fork-alerts.yaml", http.StatusOK, "RedisForkWritesRefused"},
		{http.MethodGet, "/dashboards/none.json", http.StatusNotFound, ""},
		{http.MethodGet, "/metrics", http.StatusNotFound, ""},
		{http.MethodGet, "/own/path/", http.StatusNotFound, ""},
		{http.MethodGet, "/-/nothing", http.StatusNotFound, ""},
		{http.MethodGet, "/forks/none", http.StatusNotFound, ""},
		{http.MethodGet, "/api/v1/forks/none", http.StatusNotFound, "no such fork"},
		{http.MethodPost, "/own/path", http.StatusMethodNotAllowed, ""},
		{http.MethodPost, "/-/healthy", http.StatusMethodNotAllowed, ""},
		{http.MethodDelete, "/forks", http.StatusMethodNotAllowed, ""},
	} {
		w := ask(t, h, test.method, test.path)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.text) {
			t.Errorf("%s %s: %d, want %d and %q in\n%s", test.method, test.path, w.Code, test.status, test.text, w.Body)
		}
	}
}

func TestFormatsOfMetrics(t *testing.T) {
	store := history.New()
	store.AddServer("cache", "h:6379")
	c := testConfig(t, "cache=h")
	h := newHandler(&c, store)

	w := ask(t, h, http.MethodGet, "/metrics")
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4") {
		t.Errorf("without Accept: %s", got)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"redis_fork_up", "redis_fork_exporter_build_info", "go_goroutines", "process_cpu_seconds_total", "process_open_fds"} {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if v := valueOf(families, "redis_fork_exporter_build_info"); v != 1 {
		t.Errorf("build_info = %v, want 1", v)
	}

	w = ask(t, h, http.MethodGet, "/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "application/openmetrics-text") {
		t.Errorf("with OpenMetrics in Accept: %s", got)
	}
	if !strings.HasSuffix(w.Body.String(), "# EOF\n") {
		t.Error("OpenMetrics text ends without # EOF")
	}
	w = ask(t, h, http.MethodGet, "/metrics", "Accept-Encoding", "gzip")
	if got := w.Header().Get("Content-Encoding"); got != "gzip" {
		t.Errorf("asked for gzip, got %q", got)
	}
}

// Ten scrape in parallel while forks happen. What one of them reads never goes back.
func TestParallelScrapes(t *testing.T) {
	s, r := startPair(t, redisrun.Options{})
	slowly(t, s)
	const scrapers, saves = 10, 5
	done := make(chan struct{})
	errs := make(chan error, scrapers)
	var all sync.WaitGroup
	for range scrapers {
		all.Go(func() {
			last := 0.0
			for n := 0; ; n++ {
				select {
				case <-done:
					if n == 0 {
						errs <- errors.New("no scrape at all")
					}
					return
				default:
				}
				v, err := r.scrapeOne("redis_fork_children_total", "kind", "rdb")
				if err == nil && v < last {
					err = fmt.Errorf("children_total went from %v to %v", last, v)
				}
				if err != nil {
					errs <- err
					return
				}
				last = v
			}
		})
	}
	for n := range saves {
		do(t, s, "BGSAVE")
		r.await("the save is recorded", func() bool {
			resp, err := r.get("/api/v1/forks?outcome=ok")
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			return strings.Count(string(b), `"id"`) > n
		})
	}
	close(done)
	all.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	r.awaitForks(saves)
	r.awaitAccounts(saves)
}

// scrapeOne scrapes until it is let in: more than eight at once are turned away
// with a 503, so that no crowd of scrapers takes the server's machine.
func (r *running) scrapeOne(name string, labels ...string) (float64, error) {
	for {
		resp, err := r.get("/metrics")
		if err != nil {
			return 0, err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return 0, err
		}
		if resp.StatusCode == http.StatusServiceUnavailable && strings.Contains(string(body), "Limit of concurrent requests") {
			continue
		}
		if resp.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("%s: %s", resp.Status, body)
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(string(body)))
		if err != nil {
			return 0, err
		}
		return valueOf(families, name, labels...), nil
	}
}

// A client that connects and says nothing does not keep the exporter from stopping.
func TestStopWithASilentClient(t *testing.T) {
	r := startExporter(t, []string{"127.0.0.1:1"})
	r.await("it is healthy", func() bool {
		resp, err := r.get("/-/healthy")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /metrics"); err != nil {
		t.Fatal(err)
	}
	r.metrics() // connections are accepted in turn: the silent one has been
	if err := r.stop(); err != nil {
		t.Errorf("Run ends with %v, want nil", err)
	}
}
