package collectors

import (
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

func TestReported(t *testing.T) {
	s := busy("s", fork.KindRDB)
	seriesOf(t, s).want(t, map[string]string{
		`reported_forks_total`:                   "11",
		`reported_last_stall_seconds`:            "0.0125",
		`reported_cow_bytes`:                     "1.2582912e+08",
		`reported_cow_timestamp_seconds`:         "1.79003599825e+09",
		`reported_last_cow_bytes{kind="rdb"}`:    "5.0331648e+08",
		`reported_last_cow_bytes{kind="aof"}`:    "4.718592e+08",
		`reported_last_cow_bytes{kind="module"}`: "9.437184e+06",
	})

	s.Up = false
	seriesOf(t, s).none(t, "reported_forks_total", "reported_last_stall_seconds", "reported_cow_bytes",
		"reported_cow_timestamp_seconds", "reported_last_cow_bytes")
}

func TestReportedNever(t *testing.T) {
	got := seriesOf(t, idle("s"))
	got.want(t, map[string]string{`reported_forks_total`: "0"})
	got.none(t, "reported_last_stall_seconds", "reported_cow_bytes", "reported_cow_timestamp_seconds", "reported_last_cow_bytes")
}

func TestReportedCOWNeedsAChild(t *testing.T) {
	s := busy("s", fork.KindRDB)
	s.Children = nil
	seriesOf(t, s).none(t, "reported_cow_bytes", "reported_cow_timestamp_seconds")
}

func TestReportedCOWWithoutProcess(t *testing.T) {
	for _, c := range []struct {
		name        string
		change      func(*track.State)
		bytes, time string
	}{
		{"save", func(*track.State) {}, "1.2582912e+08", "1.79003599825e+09"},
		{"age not sent", func(s *track.State) { s.Info.CurrentCOWAgeSeconds = opt.Val[int64]{} }, "1.2582912e+08", ""},
		{"not measured yet", func(s *track.State) { s.Info.CurrentCOWBytes = opt.Of[uint64](0) }, "", ""},
		{"save without a child", func(s *track.State) { s.Info.ForklessSave = true }, "", ""},
		{"nothing in progress", func(s *track.State) { s.Info.BGSaveInProgress = opt.Of(false) }, "", ""},
		{"a module's child", func(s *track.State) {
			s.Info.BGSaveInProgress, s.Info.ModuleForkInProgress = opt.Of(false), opt.Of(true)
		}, "1.2582912e+08", "1.79003599825e+09"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := noProcess("s")
			c.change(&s)
			seriesOf(t, s).want(t, map[string]string{
				`reported_cow_bytes`:             c.bytes,
				`reported_cow_timestamp_seconds`: c.time,
			})
		})
	}
}

func TestReportedCOWOfUnknownTime(t *testing.T) {
	s := busy("s", fork.KindRDB)
	s.COWAt = time.Time{}
	seriesOf(t, s).want(t, map[string]string{
		`reported_cow_bytes`:             "1.2582912e+08",
		`reported_cow_timestamp_seconds`: "",
	})
}
