package exporter

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

// idleFor is long enough for the rarer wake-ups to be in it.
const idleFor = 20 * time.Second

// BenchmarkIdle measures what the exporter costs while nothing forks: the real
// binary, one server, a scrape every 5 s.
func BenchmarkIdle(b *testing.B) {
	for _, poll := range []string{"10ms", "20ms"} {
		b.Run("poll="+poll, func(b *testing.B) {
			server := redistest.Start(b, redisrun.Options{})
			pid, url := startBinary(b, "--server="+server.Addr(), "--poll.interval="+poll)
			awaitFound(b, url)
			for b.Loop() {
				before, start := cpuTime(b, pid), time.Now()
				for time.Since(start) < idleFor {
					scrape(b, url)
					time.Sleep(idleFor / 4)
				}
				used := cpuTime(b, pid) - before
				b.ReportMetric(100*used.Seconds()/time.Since(start).Seconds(), "%core")
				b.ReportMetric(float64(residentKB(b, pid))/1024, "MiB")
			}
		})
	}
}

func startBinary(b *testing.B, args ...string) (pid int, url string) {
	b.Helper()
	binary := filepath.Join(b.TempDir(), "redis_fork_exporter")
	build := exec.CommandContext(b.Context(), "go", "build", "-buildvcs=false", "-o", binary, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.CommandContext(b.Context(), binary, append(args, "--web.listen-address="+addr, "--log.level=error")...)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	return cmd.Process.Pid, "http://" + addr
}

func awaitFound(b *testing.B, url string) {
	b.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get(url + "/-/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
	}
	b.Fatal("the exporter is not ready")
}

func scrape(b *testing.B, url string) {
	b.Helper()
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
}

// cpuTime is what a process has run so far, to the nanosecond.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		b.Fatalf("no schedstat: %v", err)
	}
	var sum int64
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += n
	}
	return time.Duration(sum)
}

func residentKB(b *testing.B, pid int) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatal("no VmRSS")
	return 0
}
