package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis-fork-exporter/redis_fork_exporter/bench/rig"
	"github.com/redis-fork-exporter/redis_fork_exporter/exporter/api"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// exporter is a running exporter.
type exporter struct {
	*rig.Program
	*api.Client // of its records
}

// withoutAccounting returns a wrapper that takes away the right to ask for delay
// accounting, and nothing else.
func withoutAccounting() []string { return []string{"setpriv", "--bounding-set=-net_admin", "--"} }

// startExporter starts an exporter for the server at socket, with the default flags but for
// args. wrapper is a command that becomes the exporter.
func (b *bench) startExporter(ctx context.Context, socket string, wrapper []string, args ...string) (*exporter, error) {
	command := slices.Concat(wrapper, []string{b.exporter, "--server=s=unix://" + socket, "--log.level=error"}, args)
	p, err := rig.StartProgram(b.dir, "the exporter", "--web.listen-address", command...)
	if err != nil {
		return nil, err
	}
	err = p.Await(ctx, func(ctx context.Context) error {
		_, err := p.Get(ctx, "/-/ready")
		return err
	})
	if err != nil {
		p.Stop()
		return nil, err
	}
	client, err := api.NewClient(p.URL())
	return &exporter{p, client}, err
}

// record returns the closed record of the process child, once there is one.
func (e *exporter) record(ctx context.Context, child int) (fork.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		forks, err := e.Forks(ctx)
		if err != nil {
			return fork.Record{}, err
		}
		for _, f := range forks {
			if f.ChildPID == child && !f.Running() {
				return f, nil
			}
		}
		if err := rig.Sleep(ctx, lookEvery); err != nil {
			return fork.Record{}, fmt.Errorf("no record of child %d: %w", child, err)
		}
	}
}
