package pages_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
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

func apiForks(t *testing.T, src fake, target string) []fork.Record {
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
	src := full()
	if d := cmp.Diff(src.forks, apiForks(t, src, "/api/v1/forks"), sameForks); d != "" {
		t.Errorf("the list differs:\n%s", d)
	}
	for _, want := range src.forks {
		var got fork.Record
		if err := json.Unmarshal([]byte(get(t, src, "/api/v1/forks/"+want.ID, 200)), &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, sameForks); d != "" {
			t.Errorf("%s differs:\n%s", want.ID, d)
		}
	}
}

func TestAPIFilters(t *testing.T) {
	src := full()
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
		if got := apiForks(t, src, target); len(got) != want {
			t.Errorf("%s: %d forks, want %d", target, len(got), want)
		}
	}
	if got := apiForks(t, src, "/api/v1/forks?limit=1"); got[0].ID != src.forks[0].ID {
		t.Errorf("the newest fork is not first: %s", got[0].ID)
	}
}

// A dot in Grafana leads to the fork that had begun last then.
func TestForkAtATime(t *testing.T) {
	src := full()
	ms := func(x time.Time) string { return strconv.FormatFloat(float64(x.UnixMicro())/1000, 'f', -1, 64) }
	for _, f := range src.forks {
		query := "?server=" + url.QueryEscape(f.Server) + "&kind=" + string(f.Kind) + "&at=" + ms(f.Start)
		got := apiForks(t, src, "/api/v1/forks"+query)
		if len(got) != 1 || got[0].ID != f.ID {
			t.Errorf("%s: %d forks, want %s alone", query, len(got), f.ID)
		}
		w := ask(t, src, http.MethodGet, "/forks"+query)
		if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasSuffix(to, "forks/"+f.ID) || strings.HasPrefix(to, "/") {
			t.Errorf("/forks%s leads to %q with status %d", query, to, w.Code)
		}
	}
	if got := apiForks(t, src, "/api/v1/forks?at=0"); len(got) != 0 {
		t.Errorf("%d forks had begun in 1970", len(got))
	}
	get(t, src, "/forks?at=0", 200)
	for _, at := range []string{"NaN", "1e300", "yesterday", ""} {
		get(t, src, "/forks?at="+at, 400)
	}
}

// Readers loop over the lists: neither may be null.
func TestEmptyListsAreNotNull(t *testing.T) {
	if got := get(t, fake{}, "/api/v1/forks", 200); got != "{\"forks\":[]}\n" {
		t.Errorf("no forks are %s", got)
	}
	has(t, get(t, fake{forks: []fork.Record{{ID: "1-1"}}}, "/api/v1/forks/1-1", 200), `"curve":[]`)
}

func TestAPIErrorsSayWhatToDo(t *testing.T) {
	for target, want := range map[string]string{
		"/api/v1/forks?kind=x":    "the kinds are rdb, aof",
		"/api/v1/forks?outcome=x": "the outcomes are running, ok",
		"/api/v1/forks?limit=0":   "whole number from 1",
		"/api/v1/forks?sever=x":   "there are server, kind, outcome, limit and at",
	} {
		var got struct{ Error string }
		if err := json.Unmarshal([]byte(get(t, full(), target, 400)), &got); err != nil {
			t.Fatal(err)
		}
		has(t, got.Error, want)
	}
}
