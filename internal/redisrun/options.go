package redisrun

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
)

// maxSocketPath is what fits into sockaddr_un's sun_path with its final NUL.
const maxSocketPath = 107

// Options says what kind of server to start. The zero value is a server on a
// free loopback port with a temporary directory.
type Options struct {
	// Args are further arguments, such as "--hz", "100". They come last, so
	// that they win. They must leave loglevel, logfile, dir, port and
	// unixsocket alone: Start finds out by these whether the server is up.
	Args []string
	// Dir is the server's directory (dump file, log, socket), which must
	// exist. Empty is a new temporary directory, which Stop removes.
	Dir string
	// Unix makes the server listen on a unix socket in Dir and on no port.
	Unix bool
	// Port is the TCP port to listen on, such as a stopped server's. 0 is a free one.
	Port int
	// Password is what clients need; empty is none.
	Password string
	// Wrapper is a command that runs the server, such as "setpriv",
	// "--reuid=1000", "--". It must either become the server (exec) or have it
	// as a descendant.
	Wrapper []string
	// Binary is the server's program. Empty is redis-server in PATH.
	Binary string
}

// listen returns where a server with these options listens, and the arguments that
// make it do so. dir is where a unix socket goes.
func (o *Options) listen(dir string) (network, addr string, args []string, err error) {
	if o.Unix {
		path := filepath.Join(dir, "redis.sock")
		if len(path) > maxSocketPath {
			return "", "", nil, fmt.Errorf("socket path %s is longer than the %d bytes a unix socket may have: use a shorter directory", path, maxSocketPath)
		}
		return "unix", path, []string{"--port", "0", "--unixsocket", path, "--unixsocketperm", "700"}, nil
	}
	port := o.Port
	if port == 0 {
		if port, err = FreePort(); err != nil {
			return "", "", nil, err
		}
	}
	p := strconv.Itoa(port)
	return "tcp", net.JoinHostPort("127.0.0.1", p), []string{"--bind", "127.0.0.1", "--port", p}, nil
}

// FreePort returns a TCP port of 127.0.0.1 that was free a moment ago. Somebody
// else may take it first; Start tries again when that happens.
func FreePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
