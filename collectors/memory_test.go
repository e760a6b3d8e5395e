package collectors

import (
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func TestMemory(t *testing.T) {
	s := idle("s")
	s.Info.RehashingBytes = opt.Of[uint64](4096)
	want := map[string]string{
		`server_resident_bytes`:    "2.147483648e+09",
		`server_page_table_bytes`:  "4.194304e+06",
		`reported_rehashing_bytes`: "4096",
	}
	seriesOf(t, s).want(t, want)

	s.Up = false
	want[`reported_rehashing_bytes`] = ""
	seriesOf(t, s).want(t, want)
}

// INFO's own resident memory is no stand-in: it may be of another machine's
// process, and no other number of the fork could be set against it.
func TestMemoryWithoutProcess(t *testing.T) {
	seriesOf(t, noProcess("s")).none(t, "server_resident_bytes", "server_page_table_bytes")
}
