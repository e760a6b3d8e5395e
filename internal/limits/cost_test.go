package limits

import (
	"os"
	"testing"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

// BenchmarkLimits is all that limits a fork, of a server in the machine's root cgroup.
func BenchmarkLimits(b *testing.B) {
	fs := realFS()
	pid := redistest.Start(b, redisrun.Options{Unix: true}).PID()
	b.ReportAllocs()
	for b.Loop() {
		if l := fs.Read(pid, 1<<30); !l.CgroupSeen || !l.Host.Present() || !l.Tasks.Present() {
			b.Fatalf("%+v", l)
		}
	}
}

// BenchmarkReadCommitted is the read of a server's smaps that is done rarely if ever, of
// 500 MB.
func BenchmarkReadCommitted(b *testing.B) {
	server := redistest.Start(b, redisrun.Options{Unix: true})
	if err := redisrun.Fill(b.Context(), server.Client(), 900_000, 400); err != nil {
		b.Fatal(err)
	}
	processes, err := proc.NewFS("/proc")
	if err != nil {
		b.Fatal(err)
	}
	p, err := processes.Open(server.PID())
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	s, err := p.Stat()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(s.ResidentPages)*float64(os.Getpagesize())/1e6, "MB")
	for b.Loop() {
		if _, err := ReadCommitted(p); err != nil {
			b.Fatal(err)
		}
	}
}
