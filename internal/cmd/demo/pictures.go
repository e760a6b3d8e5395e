package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

const browser = "chromium"

// pictures has a browser draw the exporter's start page, its list of forks, and the chart
// of one of forks, into dir.
func pictures(ctx context.Context, dir, url string, forks []fork.Record) error {
	drawn, err := longestSave(forks)
	if err != nil {
		return err
	}
	profile, err := os.MkdirTemp("", "redis-fork-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(profile)
	for _, p := range []struct {
		name, path string
		w, h       int
		scale      float64
	}{
		{"servers.png", "/", 1280, 860, 1.5},
		{"forks.png", "/forks", 1280, 800, 1.5},
		{"fork.png", "/forks/" + drawn.ID + ".svg", 960, 420, 2},
	} {
		file, err := filepath.Abs(filepath.Join(dir, p.name))
		if err != nil {
			return err
		}
		args := []string{
			"--headless", "--hide-scrollbars", "--disable-gpu", "--user-data-dir=" + profile,
			fmt.Sprintf("--window-size=%d,%d", p.w, p.h), fmt.Sprintf("--force-device-scale-factor=%g", p.scale), "--screenshot=" + file, url + p.path,
		}
		if os.Geteuid() == 0 {
			args = append([]string{"--no-sandbox"}, args...) // it has none for root
		}
		if out, err := exec.CommandContext(ctx, browser, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", browser, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// longestSave returns the save that took longest of those of forks that ended well.
func longestSave(forks []fork.Record) (fork.Record, error) {
	saves := slices.DeleteFunc(slices.Clone(forks), func(f fork.Record) bool {
		return f.Kind != fork.KindRDB || f.Outcome != fork.OutcomeOK || !f.Tail.Present()
	})
	if len(saves) == 0 {
		return fork.Record{}, errors.New("no save has ended, and its tail")
	}
	return slices.MaxFunc(saves, func(a, b fork.Record) int {
		return int(a.LifetimeSeconds.Or(0)*1000) - int(b.LifetimeSeconds.Or(0)*1000)
	}), nil
}
