package fleet

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// dialTime is shorter than the watcher's patience with INFO: so the error says in
// which step, connecting, TLS or INFO, the time went.
const dialTime = 3 * time.Second

// TLSConfig is how rediss:// servers are talked to.
type TLSConfig struct {
	CAFile, CertFile, KeyFile string
	ServerName                string
	InsecureSkipVerify        bool
}

// access returns how to reach and log in to t; tlsConfig is for targets with TLS.
func (c *Config) access(t Target, tlsConfig *tls.Config) redisinfo.Options {
	o := redisinfo.Options{Network: t.Network, Addr: t.Addr, Username: c.user(t), Password: c.password(t), DialTimeout: dialTime}
	if t.TLS {
		o.TLS = tlsConfig
	}
	return o
}

// password returns how to get the password of t; nil where it has none.
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

// load returns the configuration of a TLS client; its errors name the file.
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
