package fleet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Config)
		want   string // "": no error
	}{
		{"good", func(*Config) {}, ""},
		{"no server", func(c *Config) { c.Targets = nil }, "--server=ADDR"},
		{"one server twice", func(c *Config) { c.Targets = append(c.Targets, c.Targets[0]) }, "two servers are named"},
		{"no poll interval", func(c *Config) { c.PollInterval = 0 }, "below 1ms"},
		{"short sample interval", func(c *Config) { c.SampleInterval = time.Microsecond }, "below 1ms"},
		{"no budget", func(c *Config) { c.SampleBudget = 0 }, "share of one core"},
		{"two cores", func(c *Config) { c.SampleBudget = 2 }, "share of one core"},
		{"not a number", func(c *Config) { c.SampleBudget = math.NaN() }, "share of one core"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := DefaultConfig()
			test.change(&c)
			err := c.check()
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			if _, made := New(c); made == nil || made.Error() != err.Error() {
				t.Errorf("New says %v, want the same", made)
			}
		})
	}
}

func TestWithoutProcFS(t *testing.T) {
	c := DefaultConfig()
	c.ProcFS = t.TempDir()
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "--path.procfs") {
		t.Errorf("error %v, want one that names the flag", err)
	}
}

func TestPassword(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	common, own := write("common", " pass word\r\n"), write("own", "own\n")
	for _, test := range []struct {
		name   string
		config Config
		target Target
		want   string
	}{
		{"from the environment", Config{Password: "env"}, Target{}, "env"},
		{"the file goes before it", Config{Password: "env", PasswordFile: common}, Target{}, " pass word"},
		{"the target's goes before that", Config{Password: "env", PasswordFile: common}, Target{PasswordFile: own}, "own"},
		{"an empty file is no password", Config{PasswordFile: write("empty", "\n")}, Target{}, ""},
		{"line ends inside belong to it", Config{PasswordFile: write("two", "a\nb\n")}, Target{}, "a\nb"},
	} {
		got, err := test.config.password(test.target)()
		if err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", test.name, got, err, test.want)
		}
	}
	none := Config{}
	if none.password(Target{}) != nil {
		t.Error("a password from nowhere")
	}
	missing := Config{Password: "env", PasswordFile: filepath.Join(dir, "missing")}
	if got, err := missing.password(Target{})(); !errors.Is(err, os.ErrNotExist) || got != "" {
		t.Errorf("from a missing file: %q, %v", got, err)
	}
}

func TestUser(t *testing.T) {
	c := Config{User: "common"}
	if got := c.user(Target{}); got != "common" {
		t.Errorf("user %q, want the common one", got)
	}
	if got := c.user(Target{User: "own"}); got != "own" {
		t.Errorf("user %q, want the target's own", got)
	}
}

func TestTLSFiles(t *testing.T) {
	cert, key := certificate(t)
	other, _ := certificate(t)
	rubbish := filepath.Join(t.TempDir(), "rubbish.pem")
	if err := os.WriteFile(rubbish, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "missing.pem")
	for _, test := range []struct {
		name string
		c    TLSConfig
		want string
	}{
		{"nothing", TLSConfig{}, ""},
		{"everything", TLSConfig{CAFile: cert, CertFile: cert, KeyFile: key, ServerName: "redis"}, ""},
		{"no CA file", TLSConfig{CAFile: missing}, "reading the certificate authority"},
		{"rubbish for a CA", TLSConfig{CAFile: rubbish}, "holds no PEM certificate"},
		{"a key for a CA", TLSConfig{CAFile: key}, "holds no PEM certificate"},
		{"no key", TLSConfig{CertFile: cert}, "both its certificate file and its key file"},
		{"no certificate", TLSConfig{KeyFile: key}, "both its certificate file and its key file"},
		{"no certificate file", TLSConfig{CertFile: missing, KeyFile: key}, "loading the client certificate"},
		{"rubbish for a certificate", TLSConfig{CertFile: rubbish, KeyFile: key}, "loading the client certificate"},
		{"another's key", TLSConfig{CertFile: other, KeyFile: key}, "loading the client certificate"},
	} {
		got, err := test.c.load()
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			} else if (got.RootCAs != nil) != (test.c.CAFile != "") || (len(got.Certificates) == 1) != (test.c.CertFile != "") ||
				got.ServerName != test.c.ServerName || got.InsecureSkipVerify {
				t.Errorf("%s: %+v", test.name, got)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
		c := DefaultConfig()
		c.TLS = test.c
		if _, made := New(c); made == nil || made.Error() != err.Error() {
			t.Errorf("%s: New says %v, want %v", test.name, made, err)
		}
	}
}

// certificate makes a self-signed certificate for 127.0.0.1 and its key.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", cert), write("key.pem", "PRIVATE KEY", der)
}
