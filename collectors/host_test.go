package collectors

import (
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func TestHost(t *testing.T) {
	for want, h := range map[string]limits.Host{
		`{kernel="6.18",overcommit_memory="0",transparent_hugepage="never"}`: {
			OvercommitMode: opt.Of(0), HugePages: opt.Of("never"), Kernel: opt.Of(limits.Kernel{Major: 6, Minor: 18}),
		},
		`{kernel="",overcommit_memory="2",transparent_hugepage=""}`: {OvercommitMode: opt.Of(2)},
	} {
		text := exposition(t, history.Snapshot{Host: h})
		if want := "\nredis_fork_host_info" + want + " 1\n"; !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if text := exposition(t, history.Snapshot{}); text != "" {
		t.Errorf("nothing is known of the host, but there is:\n%s", text)
	}
}
