package main

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

// One round of the stack, with little data: what it is there to show must be there,
// and nothing of it is left afterwards.
func TestStack(t *testing.T) {
	free := func() string {
		port, err := redisrun.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	s := settings{
		listen: free(), prometheus: free(), rules: filepath.Join("..", "..", "..", "dashboards"),
		scrape: time.Second, keys: 250_000, size: 400, rate: 1000, pause: 2 * time.Second, quiet: 3 * time.Second,
		length: 50 * time.Second, record: filepath.Join(t.TempDir(), "run.om.gz"),
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	if err := stack(ctx, &s); err != nil {
		t.Fatal(err)
	}

	file, err := os.Open(s.record)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	content, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	run, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	for what, sample := range map[string]string{
		"a save":                                 `redis_fork_children_total\{.*kind="rdb".*server="primary"\} [1-9]`,
		"a full sync":                            `redis_fork_children_total\{.*kind="replication".*server="primary"\} [1-9]`,
		"a rewrite":                              `redis_fork_children_total\{.*kind="aof".*server="replica"\} [1-9]`,
		"a child that was killed":                `redis_fork_children_failed_total\{.*kind="rdb".*reason="signal".*\} [1-9]`,
		"a child that was stopped by its server": `redis_fork_children_cancelled_total\{.*kind="aof".*\} [1-9]`,
		"points of a curve":                      `redis_fork_curve_private_dirty_bytes\{.*job="redis_fork_curve".*\} [1-9]`,
		"what a rule records":                    `redis_fork:need_bytes\{.*\} [1-9]`,
		"a limit":                                `redis_fork:limit:headroom_ratio\{.*\} 1 `,
	} {
		if !regexp.MustCompile(`(?m)^` + sample).Match(run) {
			t.Errorf("Prometheus has not seen %s: nothing matches %s", what, sample)
		}
	}
	if _, err := net.DialTimeout("tcp", s.prometheus, time.Second); err == nil {
		t.Error("Prometheus is still there")
	}
}
