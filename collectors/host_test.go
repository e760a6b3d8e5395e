package collectors

import (
	"strings"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

func TestHost(t *testing.T) {
	text := exposition(t, history.Snapshot{Host: limits.Host{OvercommitMode: opt.Of(0), HugePages: opt.Of("never")}})
	for _, want := range []string{
		"\nredis_fork_host_overcommit_mode 0\n",
		"\nredis_fork_host_transparent_hugepage{mode=\"never\"} 1\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if text := exposition(t, history.Snapshot{}); text != "" {
		t.Errorf("nothing is known of the host, but there is:\n%s", text)
	}
}
