package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

const (
	patience  = 30 * time.Second // for what should happen at once
	lookEvery = 50 * time.Millisecond
	stopWait  = 5 * time.Second // from SIGTERM to SIGKILL
)

// program is a started exporter.
type program struct {
	cmd *exec.Cmd
	url string // without a path
	log string // file

	scraping   sync.WaitGroup
	endScrapes context.CancelFunc
	mu         sync.Mutex
	scrapes    int
	failed     error // the last failed scrape
}

// startProgram starts an exporter that listens where flag says, such as
// "--web.listen-address". It ends with this process: with the thread that started
// it, to be exact, which is the one that main holds.
func startProgram(dir, binary, flag string, args ...string) (*program, error) {
	port, err := redisrun.FreePort()
	if err != nil {
		return nil, err
	}
	addr := "127.0.0.1:" + strconv.Itoa(port)
	p := &program{url: "http://" + addr, log: filepath.Join(dir, filepath.Base(binary)+".log")}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", binary, err)
	}
	defer log.Close()
	p.cmd = exec.Command(binary, append(args, flag+"="+addr)...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	return p, nil
}

// await returns when path is answered with 200 and ok is content with the answer.
func (p *program) await(ctx context.Context, path string, ok func(body string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		body, err := get(ctx, p.url+path)
		if err == nil && ok(body) {
			return nil
		}
		if sleep(ctx, lookEvery) != nil {
			words, _ := os.ReadFile(p.log)
			return fmt.Errorf("waiting for %s: %w; its words:\n%s", p.url+path, errors.Join(ctx.Err(), err), words)
		}
	}
}

// scrape scrapes at once and then every so often, until the program is stopped.
func (p *program) scrape(ctx context.Context, every time.Duration) {
	ctx, p.endScrapes = context.WithCancel(ctx)
	p.scraping.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			_, err := get(ctx, p.url+"/metrics")
			p.mu.Lock()
			p.scrapes++
			if err != nil && ctx.Err() == nil {
				p.failed = err
			}
			p.mu.Unlock()
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

func (p *program) cpu() (time.Duration, error) { return cpuTime(p.cmd.Process.Pid) }

// stop ends the program, and tells if a scrape had failed.
func (p *program) stop() error {
	if p.endScrapes != nil {
		p.endScrapes()
		p.scraping.Wait()
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(stopWait, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	_ = p.cmd.Wait() // how it ends when told to is no news
	if p.failed != nil {
		return fmt.Errorf("a scrape failed: %w", p.failed)
	}
	return nil
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s: %s", url, resp.Status, strings.TrimSpace(string(body)))
	}
	return string(body), nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
