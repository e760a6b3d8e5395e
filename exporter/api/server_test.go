package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/redis-fork-exporter/redis_fork_exporter/exporter/api"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/forktest"
)

// sameForks compares the optional fields by presence and value.
var sameForks = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b opt.Val[int]) bool { return a == b }),
	cmp.Comparer(func(a, b opt.Val[uint64]) bool { return a == b }),
	cmp.Comparer(func(a, b opt.Val[float64]) bool { return a == b }),
	cmp.Comparer(func(a, b opt.Val[string]) bool { return a == b }),
	cmp.Comparer(func(a, b opt.Val[fork.Tail]) bool { return a == b }),
}

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// kept are forks that stand still.
type kept []fork.Record

func (k kept) Forks() []fork.Record { return k }

func (k kept) Fork(id string) (fork.Record, bool) {
	for _, f := range k {
		if f.ID == id {
			return f, true
		}
	}
	return fork.Record{}, false
}

func get(t *testing.T, src api.Source, target string, status int) string {
	t.Helper()
	w := httptest.NewRecorder()
	api.New(src, nil).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	if got := w.Header().Get("Content-Type"); w.Code != status || got != "application/json" {
		t.Fatalf("GET %s: status %d, type %q, want %d\n%s", target, w.Code, got, status, w.Body)
	}
	return w.Body.String()
}

func forksAt(t *testing.T, src api.Source, target string) []fork.Record {
	t.Helper()
	var got struct {
		Forks []fork.Record `json:"forks"`
	}
	if err := json.Unmarshal([]byte(get(t, src, target, 200)), &got); err != nil {
		t.Fatal(err)
	}
	return got.Forks
}

func TestRecordsSurviveJSON(t *testing.T) {
	src := kept(forktest.All(now))
	if d := cmp.Diff([]fork.Record(src), forksAt(t, src, "/api/v1/forks"), sameForks); d != "" {
		t.Errorf("the list differs:\n%s", d)
	}
	for _, want := range src {
		var got fork.Record
		if err := json.Unmarshal([]byte(get(t, src, "/api/v1/forks/"+want.ID, 200)), &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, sameForks); d != "" {
			t.Errorf("%s differs:\n%s", want.ID, d)
		}
	}
}

func TestFilters(t *testing.T) {
	src := kept(forktest.All(now))
	for target, want := range map[string]int{
		"/api/v1/forks":                                  6,
		"/api/v1/forks?limit=2":                          2,
		"/api/v1/forks?limit=100":                        6,
		"/api/v1/forks?server=cache-a:6379":              5,
		"/api/v1/forks?server=nobody":                    0,
		"/api/v1/forks?kind=rdb":                         4,
		"/api/v1/forks?kind=aof":                         1,
		"/api/v1/forks?outcome=ok":                       3,
		"/api/v1/forks?outcome=running":                  1,
		"/api/v1/forks?outcome=ok&kind=rdb&limit=1":      1,
		"/api/v1/forks?outcome=killed&server=cache-a:63": 0,
	} {
		if got := forksAt(t, src, target); len(got) != want {
			t.Errorf("%s: %d forks, want %d", target, len(got), want)
		}
	}
	if got := forksAt(t, src, "/api/v1/forks?limit=1"); got[0].ID != src[0].ID {
		t.Errorf("the newest fork is not first: %s", got[0].ID)
	}
}

// A dot in Grafana leads to the fork that had begun last then.
func TestForkAtATime(t *testing.T) {
	src := kept(forktest.All(now))
	ms := func(x time.Time) string { return strconv.FormatFloat(float64(x.UnixMicro())/1000, 'f', -1, 64) }
	for _, f := range src {
		query := "?server=" + url.QueryEscape(f.Server) + "&kind=" + string(f.Kind) + "&at=" + ms(f.Start)
		got := forksAt(t, src, "/api/v1/forks"+query)
		if len(got) != 1 || got[0].ID != f.ID {
			t.Errorf("%s: %d forks, want %s alone", query, len(got), f.ID)
		}
	}
	if got := forksAt(t, src, "/api/v1/forks?at=0"); len(got) != 0 {
		t.Errorf("%d forks had begun in 1970", len(got))
	}
	for _, at := range []string{"NaN", "1e300", "yesterday", ""} {
		get(t, src, "/api/v1/forks?at="+at, 400)
	}
}

// Readers loop over the lists: neither may be null.
func TestEmptyListsAreNotNull(t *testing.T) {
	if got := get(t, kept{}, "/api/v1/forks", 200); got != "{\"forks\":[]}\n" {
		t.Errorf("no forks are %s", got)
	}
	if got := get(t, kept{{ID: "1-1"}}, "/api/v1/forks/1-1", 200); !strings.Contains(got, `"curve":[]`) {
		t.Errorf("no curve is %s", got)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for target, want := range map[string]string{
		"/api/v1/forks?kind=x":    "the kinds are rdb, aof",
		"/api/v1/forks?outcome=x": "the outcomes are running, ok",
		"/api/v1/forks?limit=0":   "whole number from 1",
		"/api/v1/forks?sever=x":   "there are server, kind, outcome, limit and at",
	} {
		var got struct{ Error string }
		if err := json.Unmarshal([]byte(get(t, kept(forktest.All(now)), target, 400)), &got); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got.Error, want) {
			t.Errorf("%s: %q, want %q", target, got.Error, want)
		}
	}
}
