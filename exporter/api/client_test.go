package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/exporter/api"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/forktest"
)

// What the server serves is what the client gets.
func TestForks(t *testing.T) {
	saved := forktest.Saved(time.Now())
	exporter := httptest.NewServer(api.New(kept{saved}, nil))
	defer exporter.Close()
	for _, base := range []string{exporter.URL, exporter.URL + "/"} {
		c, err := api.NewClient(base)
		if err != nil {
			t.Fatal(err)
		}
		forks, err := c.Forks(t.Context())
		if err != nil || len(forks) != 1 || forks[0].ID != saved.ID || len(forks[0].Curve) != len(saved.Curve) {
			t.Errorf("%s: %d forks, %v", base, len(forks), err)
		}
	}
	below := httptest.NewServer(http.StripPrefix("/redis", api.New(kept{saved}, nil)))
	defer below.Close()
	c, err := api.NewClient(below.URL + "/redis/")
	if err != nil {
		t.Fatal(err)
	}
	if forks, err := c.Forks(t.Context()); err != nil || len(forks) != 1 {
		t.Errorf("behind a proxy: %d forks, %v", len(forks), err)
	}
}

func TestNoForks(t *testing.T) {
	exporter := httptest.NewServer(api.New(history.New(), nil))
	defer exporter.Close()
	c, err := api.NewClient(exporter.URL)
	if err != nil {
		t.Fatal(err)
	}
	if forks, err := c.Forks(t.Context()); err != nil || len(forks) != 0 {
		t.Errorf("%d forks, %v", len(forks), err)
	}
}

func TestNoExporter(t *testing.T) {
	for _, test := range []struct {
		status     int
		body, want string
	}{
		{http.StatusNotFound, "404", "404 Not Found"},
		{http.StatusUnauthorized, "", "401 Unauthorized"},
		{http.StatusOK, "<html>", "no list of forks"},
		{http.StatusOK, `{"status":"ok"}`, "no list of forks"},
		{http.StatusOK, `{"forks":[{"id":1}]}`, "no list of forks"},
	} {
		stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			_, _ = w.Write([]byte(test.body))
		}))
		c, err := api.NewClient(strings.Replace(stranger.URL, "http://", "http://me:hunter2@", 1))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Forks(t.Context())
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%d %s: %v, want %q", test.status, test.body, err, test.want)
		}
		stranger.Close()
		if _, err = c.Forks(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("nobody there: %v", err)
		}
	}
}

func TestNewClient(t *testing.T) {
	for _, base := range []string{"", "localhost:10121", "http://", "ftp://h", "/path", "http://a b"} {
		if _, err := api.NewClient(base); err == nil {
			t.Errorf("%q is taken for a URL", base)
		}
	}
}
