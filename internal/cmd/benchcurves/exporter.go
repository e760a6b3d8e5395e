package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

const modulePath = "github.com/redis-fork-exporter/redis_fork_exporter"

// buildExporter builds this tree's exporter as a release is built.
func buildExporter(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "redis_fork_exporter")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", binary, modulePath)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the exporter: %w\n%s", err, out)
	}
	return binary, nil
}

// exporter is a running exporter.
type exporter struct {
	process *exec.Cmd
	url     string
}

// withoutAccounting is a wrapper that takes away the right to ask for delay
// accounting, and nothing else.
func withoutAccounting() []string { return []string{"setpriv", "--bounding-set=-net_admin", "--"} }

// startExporter starts an exporter for one server, with the default flags but
// for args. wrapper is a command that becomes the exporter.
func (b *bench) startExporter(ctx context.Context, s *redisrun.Server, wrapper []string, args ...string) (*exporter, error) {
	port, err := redisrun.FreePort()
	if err != nil {
		return nil, err
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	command := slices.Concat(wrapper, []string{b.exporter, "--server=s=unix://" + s.Addr(), "--web.listen-address=" + addr, "--log.level=error"}, args)
	e := &exporter{process: exec.Command(command[0], command[1:]...), url: "http://" + addr}
	e.process.Stderr = os.Stderr
	e.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	if err := e.process.Start(); err != nil {
		return nil, fmt.Errorf("start the exporter: %w", err)
	}
	if err := e.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, e.stop())
	}
	return e, nil
}

func (e *exporter) stop() error {
	_ = e.process.Process.Signal(os.Interrupt) // gone already: Wait says how
	return e.process.Wait()
}

func (e *exporter) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		resp, err := e.get(ctx, "/-/ready")
		if err == nil {
			resp.Body.Close()
			return nil
		}
		if sleep(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("the exporter is not ready: %w", err)
		}
	}
}

// get asks for a path; the caller closes the body.
func (e *exporter) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%s: %s", path, resp.Status)
	}
	return resp, nil
}

// forks are the exporter's recent records, newest first.
func (e *exporter) forks(ctx context.Context) ([]fork.Record, error) {
	resp, err := e.get(ctx, "/api/v1/forks")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var body struct {
		Forks []fork.Record `json:"forks"`
	}
	err = json.NewDecoder(resp.Body).Decode(&body)
	return body.Forks, err
}

// record waits for the closed record of a child.
func (e *exporter) record(ctx context.Context, child int) (fork.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		forks, err := e.forks(ctx)
		if err != nil {
			return fork.Record{}, err
		}
		for _, f := range forks {
			if f.ChildPID == child && !f.Running() {
				return f, nil
			}
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return fork.Record{}, fmt.Errorf("no record of child %d: %w", child, err)
		}
	}
}
