package collectors

import (
	"strconv"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

func TestSaves(t *testing.T) {
	s := busy("s", fork.KindRDB)
	seriesOf(t, s).want(t, map[string]string{
		`reported_last_save_success{kind="rdb"}`:           "1",
		`reported_last_save_success{kind="aof"}`:           "1",
		`reported_last_save_timestamp_seconds{kind="rdb"}`: "1.7900324e+09",
		`reported_last_save_timestamp_seconds{kind="aof"}`: "",
		`reported_changes_since_last_save`:                 "123456",
		`save_interval_seconds`:                            "3600",
		`save_interval_changes`:                            "1",
		`reported_misconf_errors_total`:                    "17",
	})

	s.Up = false
	seriesOf(t, s).none(t, "reported_last_save_success", "reported_last_save_timestamp_seconds", "reported_changes_since_last_save",
		"save_interval_seconds", "save_interval_changes", "reported_misconf_errors_total")
}

func TestNeverSaved(t *testing.T) {
	s := idle("s") // both statuses say ok, and the save's time is the server's start
	seriesOf(t, s).none(t, "reported_last_save_success", "reported_last_save_timestamp_seconds")

	s.Info.LastBGSaveOK, s.Info.LastAOFRewriteOK = opt.Of(false), opt.Of(false)
	got := seriesOf(t, s)
	got.want(t, map[string]string{
		`reported_last_save_success{kind="rdb"}`: "0",
		`reported_last_save_success{kind="aof"}`: "0",
	})
	got.none(t, "reported_last_save_timestamp_seconds")
}

func TestLastSaveTime(t *testing.T) {
	const never = -1
	at := func(d time.Duration) int64 { return serverStart.Add(d).Unix() }
	for _, c := range []struct {
		name   string
		change func(*track.State)
		want   int64
	}{
		{"the server's start", func(*track.State) {}, never},
		{"a second after the start", func(s *track.State) {
			s.Info.LastSaveTime, s.Info.LastBGSaveSeconds = opt.Of(at(time.Second)), opt.Of[int64](0)
		}, never},
		{"well after the start", func(s *track.State) {
			s.Info.LastSaveTime, s.Info.RDBSaves = opt.Of(at(time.Hour)), opt.Of[uint64](1)
		}, at(time.Hour)},
		{"a server without rdb_saves", func(s *track.State) {
			s.Info.LastSaveTime, s.Info.RDBSaves = opt.Of(at(time.Hour)), opt.Val[uint64]{}
		}, at(time.Hour)},
		{"saved before CONFIG RESETSTAT", func(s *track.State) {
			s.Info.LastSaveTime, s.Info.LastBGSaveSeconds = opt.Of(at(time.Hour)), opt.Of[int64](2)
		}, at(time.Hour)},
		{"never saved, and the server's clock is ahead", func(s *track.State) {
			s.Info.LastSaveTime = opt.Of(at(time.Minute))
		}, never},
		{"saved in the first second", func(s *track.State) {
			s.Info.RDBSaves, s.Info.LastBGSaveSeconds = opt.Of[uint64](1), opt.Of[int64](0)
		}, at(0)},
		{"the first attempt failed", func(s *track.State) {
			s.Info.RDBSaves, s.Info.LastBGSaveSeconds, s.Info.LastBGSaveOK = opt.Of[uint64](1), opt.Of[int64](0), opt.Of(false)
		}, never},
		{"the first attempt runs", func(s *track.State) {
			s.Info.RDBSaves, s.Info.BGSaveInProgress = opt.Of[uint64](1), opt.Of(true)
		}, never},
		{"the first attempt runs after a diskless sync", func(s *track.State) {
			s.Info.RDBSaves, s.Info.LastBGSaveSeconds, s.Info.BGSaveInProgress = opt.Of[uint64](1), opt.Of[int64](0), opt.Of(true)
		}, never},
		{"a diskless sync only", func(s *track.State) { s.Info.LastBGSaveSeconds = opt.Of[int64](9) }, never},
		{"the process was a script for a minute", func(s *track.State) {
			s.StartTime = opt.Of(serverStart.Add(-time.Minute))
		}, never},
		{"no process", func(s *track.State) { s.StartTime = opt.Val[time.Time]{} }, never},
		{"no uptime", func(s *track.State) {
			s.Info.UptimeSeconds, s.Info.LastSaveTime, s.Info.RDBSaves = opt.Val[int64]{}, opt.Of(at(time.Hour)), opt.Val[uint64]{}
		}, at(time.Hour)},
		{"no start at all", func(s *track.State) {
			s.Info.UptimeSeconds, s.StartTime = opt.Val[int64]{}, opt.Val[time.Time]{}
			s.Info.LastSaveTime, s.Info.RDBSaves = opt.Of(at(time.Hour)), opt.Val[uint64]{}
		}, never},
		{"zero", func(s *track.State) { s.Info.LastSaveTime = opt.Of[int64](0) }, never},
		{"not sent", func(s *track.State) { s.Info.LastSaveTime = opt.Val[int64]{} }, never},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := idle("s")
			c.change(&s)
			want := ""
			if c.want != never {
				want = strconv.FormatFloat(float64(c.want), 'g', -1, 64)
			}
			seriesOf(t, s).want(t, map[string]string{`reported_last_save_timestamp_seconds{kind="rdb"}`: want})
		})
	}
}
