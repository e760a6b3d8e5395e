package collectors

import (
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func TestServer(t *testing.T) {
	s := idle("s")
	seriesOf(t, s).want(t, map[string]string{
		`up`: "1",
		`server_info{mode="standalone",role="master",run_id="cf741dfdcd5df963b5d77eb3cc200bbfaa968052",software="redis",version="7.4.1"}`: "1",
		`server_start_time_seconds`: "1.78999999998e+09", // the process's
	})
}

func TestServerStartFromInfo(t *testing.T) {
	s := idle("s")
	s.StartTime = opt.Val[time.Time]{}
	seriesOf(t, s).want(t, map[string]string{`server_start_time_seconds`: "1.79e+09"})

	s.Up = false
	seriesOf(t, s).none(t, "server_start_time_seconds")
}

func TestServerDown(t *testing.T) {
	s := idle("s")
	s.Up = false
	got := seriesOf(t, s)
	got.want(t, map[string]string{
		`up`:                        "0",
		`server_start_time_seconds`: "1.78999999998e+09",
	})
	got.none(t, "server_info")
}
