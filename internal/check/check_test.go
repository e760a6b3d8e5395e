package check

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/storetest"
)

// Many servers take no longer than the slowest.
func TestAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		answers []time.Duration // of each server, after so long; 0 for never
		want    time.Duration
	}{
		"all answer":       {[]time.Duration{time.Second, 2 * time.Second, time.Second}, 2*time.Second + settle},
		"some never do":    {[]time.Duration{0, time.Second, 0}, answerWithin},
		"one does so late": {[]time.Duration{time.Second, 9 * time.Second, 0}, 9*time.Second + settle},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := history.New()
				var servers []fleet.Server
				for i, after := range test.answers {
					s := storetest.Add(store, strconv.Itoa(i))
					servers = append(servers, fleet.Server{History: s.Server})
					if after > 0 {
						time.AfterFunc(after, func() { s.Up(redisinfo.Info{}) })
					}
				}
				began := time.Now()
				reports := atOnce(servers, func(s fleet.Server) Report {
					await(t.Context(), s.History)
					return Report{Server: s.History.State().Name}
				})
				if took := time.Since(began); took < test.want || took > test.want+2*lookEvery {
					t.Errorf("took %s, want %s", took, test.want)
				}
				for i, r := range reports {
					if r.Server != strconv.Itoa(i) {
						t.Errorf("report %d is about server %s", i, r.Server)
					}
				}
			})
		})
	}
}

// Of one server under two names, one has the process.
func TestTwin(t *testing.T) {
	var watched fleet.Fleet
	store := history.New()
	add := func(name, runID string, pid int) *history.Server {
		s := storetest.Add(store, name)
		s.Up(redisinfo.Info{RunID: runID})
		if pid != 0 {
			s.Process(pid, opt.Of(time.Now()))
		}
		watched.Servers = append(watched.Servers, fleet.Server{History: s.Server})
		return s.Server
	}
	add("another", "run-2", 7)
	add("nor this one", "", 9)
	silent := store.AddServer("silent", "h:1")
	watched.Servers = append(watched.Servers, fleet.Server{History: silent})
	has, second := add("has", "run-1", 8), add("second", "run-1", 0)
	for _, test := range []struct {
		server *history.Server
		want   string
	}{
		{second, "has"}, {has, ""}, {silent, ""}, {add("alone", "run-3", 0), ""}, {add("does not say", "", 0), ""},
	} {
		st := test.server.State()
		if got := twin(&watched, &st); got != test.want {
			t.Errorf("%s is another name of %q, want %q", st.Name, got, test.want)
		}
	}
}
