package exporter

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"path"
	"strings"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
)

// Config is everything that can be configured.
type Config struct {
	Targets  []Target
	User     string // common ACL user; empty: the default user
	Password string // common password; PasswordFile goes before it
	// PasswordFile is read for each connection, so that a rotated password is
	// picked up. A line end at its end does not belong to the password.
	PasswordFile string
	TLS          TLSConfig

	ProcFS, SysFS string // mount points, /proc and /sys

	PollInterval   time.Duration // how often births are looked for
	Sampling       bool          // false: INFO and births only
	SampleInterval time.Duration // between two reads of a child's memory
	SampleBudget   float64       // share of one core that reads of smaps may take, per server

	TelemetryPath string
	Web           *web.FlagConfig // listen addresses, TLS and authentication of our own pages
	// Listener, if set, is served instead of Web's addresses.
	Listener net.Listener

	Logger *slog.Logger
}

// TLSConfig is how rediss:// servers are talked to.
type TLSConfig struct {
	CAFile, CertFile, KeyFile string
	ServerName                string
	InsecureSkipVerify        bool
}

func (c *Config) check() error {
	if err := c.checkServers(); err != nil {
		return err
	}
	if err := checkTelemetryPath(c.TelemetryPath); err != nil {
		return fmt.Errorf("telemetry path %q: %w", c.TelemetryPath, err)
	}
	return nil
}

// checkServers checks what is about the servers and how they are watched.
func (c *Config) checkServers() error {
	if len(c.Targets) == 0 {
		return errors.New("no server to watch: give --server=ADDR")
	}
	if c.PollInterval < time.Millisecond || c.SampleInterval < time.Millisecond {
		return errors.New("an interval is below 1ms")
	}
	if math.IsNaN(c.SampleBudget) || c.SampleBudget <= 0 || c.SampleBudget > 1 {
		return errors.New("the sampling budget is a share of one core, above 0 and at most 1")
	}
	return distinct(c.Targets)
}

// checkTelemetryPath refuses what http.ServeMux would panic at, and what would
// hide a page.
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

// password returns how to get a target's password; nil when it has none.
func (c *Config) password(t Target) func() (string, error) {
	file := t.PasswordFile
	if file == "" {
		file = c.PasswordFile
	}
	switch {
	case file != "":
		return func() (string, error) {
			b, err := os.ReadFile(file)
			if err != nil {
				return "", fmt.Errorf("reading the password: %w", err)
			}
			return strings.TrimRight(string(b), "\r\n"), nil
		}
	case c.Password != "":
		return func() (string, error) { return c.Password, nil }
	}
	return nil
}

func (c *Config) user(t Target) string {
	if t.User != "" {
		return t.User
	}
	return c.User
}

// load makes the configuration of a TLS client.
func (t TLSConfig) load() (*tls.Config, error) {
	out := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify, //nolint:gosec // asked for by flag
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate authority: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no PEM certificate", t.CAFile)
		}
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return nil, errors.New("a client certificate needs both its certificate file and its key file")
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("loading the client certificate: %w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}
