package exporter

import (
	"errors"
	"fmt"
	"net"
	"path"
	"strings"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
)

// Config is everything that can be configured: the servers, and how what they do
// is served.
type Config struct {
	fleet.Config

	TelemetryPath string
	Web           *web.FlagConfig // listen addresses, TLS and authentication of our own pages
	// Listener, if set, is served instead of Web's addresses.
	Listener net.Listener
}

// DefaultAddress is where the exporter listens by default.
const DefaultAddress = ":10121"

// DefaultConfig returns the configuration that holds where nothing else is asked for.
func DefaultConfig() Config {
	return Config{
		Config:        fleet.DefaultConfig(),
		TelemetryPath: "/metrics",
		Web:           &web.FlagConfig{WebListenAddresses: &[]string{DefaultAddress}, WebSystemdSocket: new(bool), WebConfigFile: new(string)},
	}
}

// checkTelemetryPath returns an error if p, the path of the metrics, would make
// http.ServeMux panic or hide a page.
func checkTelemetryPath(p string) error {
	if p == "/" || !strings.HasPrefix(p, "/") {
		return errors.New("it begins with / and is not / itself")
	}
	if p != path.Clean(p) || strings.ContainsAny(p, "{}?# \t") {
		return errors.New("it is a plain path such as /metrics")
	}
	first, _, _ := strings.Cut(p[1:], "/")
	switch first {
	case "-", "api", "curve", "forks", "static":
		return fmt.Errorf("/%s belongs to the exporter's own pages", first)
	}
	return nil
}
