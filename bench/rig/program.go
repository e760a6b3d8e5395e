package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
)

const (
	patience  = 30 * time.Second // for what should happen at once
	lookEvery = 50 * time.Millisecond
)

// Program is a started exporter.
type Program struct {
	*Process
	name string
	url  string // without a path
	log  string // file
}

// StartProgram starts an exporter, called name in errors, by a command to which it
// adds the flag listen, such as "--web.listen-address", with a free port. What the
// exporter says goes to a file in dir.
func StartProgram(dir, name, listen string, command ...string) (*Program, error) {
	port, err := redisrun.FreePort()
	if err != nil {
		return nil, err
	}
	addr := "127.0.0.1:" + strconv.Itoa(port)
	log, err := os.Create(filepath.Join(dir, strconv.Itoa(port)+".log"))
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", name, err)
	}
	defer log.Close()
	process, err := Start(log, append(command, listen+"="+addr)...)
	if err != nil {
		return nil, err
	}
	return &Program{process, name, "http://" + addr, log.Name()}, nil
}

// URL returns where the exporter listens, without a path.
func (p *Program) URL() string { return p.url }

// Await returns when the exporter is as it should be, which is when look returns no
// error.
func (p *Program) Await(ctx context.Context, look func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := look(ctx)
		if err == nil {
			return nil
		}
		if Sleep(ctx, lookEvery) != nil {
			words, _ := os.ReadFile(p.log)
			return fmt.Errorf("waiting for %s: %w; its words:\n%s", p.name, errors.Join(ctx.Err(), err), words)
		}
	}
}

// Get returns the body that path is answered with; an answer other than 200 is an
// error.
func (p *Program) Get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, http.NoBody)
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
		return "", fmt.Errorf("%s answers %s to %s: %s", p.name, resp.Status, path, strings.TrimSpace(string(body)))
	}
	return string(body), nil
}

// Metrics scrapes the exporter.
func (p *Program) Metrics(ctx context.Context) (Exposition, error) {
	body, err := p.Get(ctx, "/metrics")
	if err != nil {
		return Exposition{}, err
	}
	return ParseExposition(p.name, strings.NewReader(body))
}
