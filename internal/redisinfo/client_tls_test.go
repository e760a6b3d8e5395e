package redisinfo_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisrun"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/testutil/redistest"
)

func TestClientTLS(t *testing.T) {
	cert, certFile, keyFile := certificate(t)
	start := func(authClients string) (s *redisrun.Server, tlsAddr string) {
		port, err := redisrun.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		s = redistest.Start(t, redisrun.Options{Args: []string{
			"--tls-port", strconv.Itoa(port), "--tls-cert-file", certFile, "--tls-key-file", keyFile,
			"--tls-ca-cert-file", certFile, "--tls-auth-clients", authClients,
		}})
		return s, net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	trusting := func() *tls.Config { return &tls.Config{RootCAs: roots} }

	s, tlsAddr := start("no")
	c := client(t, s, redisinfo.Options{Addr: tlsAddr, TLS: trusting()})
	info(t, c)
	first, ok := c.Peer()
	if !ok || first.Remote.String() != tlsAddr {
		t.Errorf("peer %v, %v", first, ok)
	}
	info(t, c)
	if second, _ := c.Peer(); second != first {
		t.Error("a new connection for the second call")
	}
	if err := s.Client().ClientKillByFilter(t.Context(), "ADDR", first.Local.String()).Err(); err != nil {
		t.Fatal(err)
	}
	info(t, c) // over a new connection

	wantError(t, client(t, s, redisinfo.Options{Addr: tlsAddr, TLS: &tls.Config{RootCAs: x509.NewCertPool()}}), redisinfo.ReasonTLS, "not trusted")
	wrongName := trusting()
	wrongName.ServerName = "redis.example.org"
	wantError(t, client(t, s, redisinfo.Options{Addr: tlsAddr, TLS: wrongName}), redisinfo.ReasonTLS, "not trusted")

	plainToTLS := client(t, s, redisinfo.Options{Addr: tlsAddr})
	wantError(t, plainToTLS, redisinfo.ReasonUnreachable, "it may be a TLS port")

	needsCert, needsCertAddr := start("yes")
	wantError(t, client(t, needsCert, redisinfo.Options{Addr: needsCertAddr, TLS: trusting()}), redisinfo.ReasonTLS, "client certificate")
	withCert := trusting()
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	withCert.Certificates = []tls.Certificate{pair}
	info(t, client(t, needsCert, redisinfo.Options{Addr: needsCertAddr, TLS: withCert}))
}

// A plain server waits for the end of what it takes for a line, or complains.
func TestClientTLSToAPlainServer(t *testing.T) {
	s := redistest.Start(t, redisrun.Options{})
	c := client(t, s, redisinfo.Options{TLS: &tls.Config{}, DialTimeout: 300 * time.Millisecond})
	_, err := c.Info(t.Context())
	e, ok := errors.AsType[*redisinfo.Error](err)
	if !ok || (e.Reason != redisinfo.ReasonTLS && e.Reason != redisinfo.ReasonTimeout) {
		t.Fatalf("error %v", err)
	}
	checkError(t, err, e.Reason, "TLS")
}

// Whether the client reads the server's alert or finds the connection reset is a race
// with Redis; here the alert always wins.
func TestClientTLSAlertAfterTheHandshake(t *testing.T) {
	cert, certFile, keyFile := certificate(t)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	addr := fake(t, func(conn net.Conn) {
		_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert}).Handshake()
		_, _ = io.Copy(io.Discard, conn)
	})
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	c := redisinfo.NewClient(redisinfo.Options{Network: "tcp", Addr: addr, TLS: &tls.Config{RootCAs: roots}})
	t.Cleanup(func() { _ = c.Close() })
	wantError(t, c, redisinfo.ReasonTLS, "certificate required")
}

func TestClientTLSToAChattyServer(t *testing.T) {
	addr := fake(t, func(conn net.Conn) { _, _ = conn.Write([]byte("-ERR Protocol error: too big inline request\r\n")) })
	c := redisinfo.NewClient(redisinfo.Options{Network: "tcp", Addr: addr, TLS: &tls.Config{}})
	t.Cleanup(func() { _ = c.Close() })
	wantError(t, c, redisinfo.ReasonTLS, "does not speak TLS")
}

// certificate makes a self-signed certificate for 127.0.0.1 that serves as its own CA.
func certificate(t *testing.T) (cert *x509.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return cert, write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER)
}
