package exporter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
)

const shutdownTime = 3 * time.Second

// Run runs the exporter that c describes until ctx ends, which is no error.
func Run(ctx context.Context, c Config) error {
	if err := checkTelemetryPath(c.TelemetryPath); err != nil {
		return fmt.Errorf("telemetry path %q: %w", c.TelemetryPath, err)
	}
	w, err := fleet.New(c.Config)
	if err != nil {
		return err
	}
	defer w.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.Run(ctx) })
	group.Go(func() error { return serve(ctx, &c, newHandler(&c, w.Store)) })
	return group.Wait()
}

// serve serves handler where c says until ctx ends, and then lets open requests
// finish.
func serve(ctx context.Context, c *Config, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          slog.NewLogLogger(c.Logger.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		err := server.Shutdown(last)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close() // a client that reads slowly, or has sent nothing yet, is no reason to fail
		}
		stopped <- err
	}()
	var err error
	if c.Listener != nil {
		err = web.Serve(c.Listener, server, c.Web, c.Logger)
	} else {
		err = web.ListenAndServe(server, c.Web, c.Logger)
	}
	switch {
	case errors.Is(err, http.ErrServerClosed):
		return <-stopped
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another exporter is running there, or choose another port with --web.listen-address", err)
	}
	return err
}
