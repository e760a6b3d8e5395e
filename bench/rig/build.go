package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

const module = "github.com/redis-fork-exporter/redis_fork_exporter"

// Build builds the exporter of this working tree into file, as a release is built.
func Build(ctx context.Context, file string) error {
	tree, err := output(ctx, ".", "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return fmt.Errorf("find the exporter's module (run this in bench/): %w", err)
	}
	return buildTree(ctx, strings.TrimSpace(tree), file)
}

// buildTree builds the exporter whose module is in the directory tree into file.
func buildTree(ctx context.Context, tree, file string) error {
	if _, err := output(ctx, tree, "go", "build", "-trimpath", "-buildvcs=false", "-o", file, "."); err != nil {
		return fmt.Errorf("build the exporter: %w", err)
	}
	return nil
}

// output runs command in the directory dir and returns its standard output; its
// errors hold what else the command said.
func output(ctx context.Context, dir string, command ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var words strings.Builder
	cmd.Dir, cmd.Stderr = dir, &words
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, words.String())
	}
	return string(out), err
}
