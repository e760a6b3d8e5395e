package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "github.com/redis-fork-exporter/redis_fork_exporter"

// Build builds the exporter of this working tree into file, as a release is built.
func Build(ctx context.Context, file string) error {
	tree, err := workingTree(ctx)
	if err != nil {
		return err
	}
	return buildTree(ctx, tree, file)
}

// BuildCommit builds the exporter of commit, which this repository has in its
// history, into file. It returns the commit's abbreviated hash. Neither the working
// tree nor the repository are touched.
func BuildCommit(ctx context.Context, commit, file string) (hash string, err error) {
	tree, err := workingTree(ctx)
	if err != nil {
		return "", err
	}
	hash, err = output(ctx, tree, "git", "rev-parse", "--short", "--verify", "--end-of-options", commit+"^{commit}")
	if err != nil {
		return "", fmt.Errorf("commit %q: %w", commit, err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(file), "commit-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	archive := filepath.Join(dir, "archive.tar")
	if _, err := output(ctx, tree, "git", "archive", "--output", archive, hash); err != nil {
		return "", fmt.Errorf("commit %s: %w", hash, err)
	}
	if _, err := output(ctx, dir, "tar", "--extract", "--file", archive); err != nil {
		return "", fmt.Errorf("commit %s: %w", hash, err)
	}
	return hash, buildTree(ctx, dir, file)
}

// workingTree returns the directory of the exporter's module.
func workingTree(ctx context.Context) (string, error) {
	dir, err := output(ctx, ".", "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return "", fmt.Errorf("find the exporter's module (run this in bench/): %w", err)
	}
	return dir, nil
}

// buildTree builds the exporter whose module is in the directory tree into file.
func buildTree(ctx context.Context, tree, file string) error {
	if _, err := output(ctx, tree, "go", "build", "-trimpath", "-buildvcs=false", "-o", file, "."); err != nil {
		return fmt.Errorf("build the exporter: %w", err)
	}
	return nil
}

// output runs command in the directory dir and returns its standard output, without
// the line's end; errors hold what else the command said.
func output(ctx context.Context, dir string, command ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var words strings.Builder
	cmd.Dir, cmd.Stderr = dir, &words
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, words.String())
	}
	return strings.TrimSpace(string(out)), err
}
