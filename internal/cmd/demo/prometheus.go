package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const binary = "prometheus"

// configuration is what docs/curve.md says, with both rule files.
const configuration = `global: {scrape_interval: %[1]s, evaluation_interval: %[1]s}
rule_files: [%[2]q, %[3]q]
scrape_configs:
  - job_name: redis_fork
    static_configs: [{targets: [%[4]q]}]
  - job_name: redis_fork_curve
    metrics_path: /curve
    params: {reader: [prometheus]}
    static_configs: [{targets: [%[4]q]}]
`

// prometheus is a running one.
type prometheus struct {
	url string
	log string
	cmd *exec.Cmd
	ctx context.Context
}

// startPrometheus starts a Prometheus that scrapes target, an exporter's address, and
// keeps its data and its log in dir. It ends with ctx.
func startPrometheus(ctx context.Context, s *settings, dir, target string) (*prometheus, error) {
	if _, err := exec.LookPath(binary); err != nil {
		return nil, fmt.Errorf("%w: apt-get install -y prometheus", err)
	}
	var files []string
	for _, name := range []string{"redis-fork-limits.yaml", "redis-fork-alerts.yaml"} {
		file, err := filepath.Abs(filepath.Join(s.rules, name))
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, configuration, s.scrape, files[0], files[1], target), 0o600); err != nil {
		return nil, err
	}
	p := &prometheus{url: "http://" + s.prometheus, log: filepath.Join(dir, "prometheus.log"), ctx: ctx}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p.cmd = exec.CommandContext(ctx, binary, "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+s.prometheus)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 10 * time.Second
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us, and we tell it
	return p, p.cmd.Start()
}

// wait returns when it has ended: which it may when ctx has.
func (p *prometheus) wait() error {
	err := p.cmd.Wait()
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	last, _ := os.ReadFile(p.log)
	return fmt.Errorf("prometheus has ended: %w; its log:\n%s", errors.Join(err), last)
}

// ready waits until p answers; a nil p is always ready.
func (p *prometheus) ready(ctx context.Context) error {
	if p == nil {
		return nil
	}
	for {
		if _, err := p.get(ctx, "/-/ready", nil); err == nil {
			return nil
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

func (p *prometheus) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return body, err
}
