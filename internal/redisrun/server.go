package redisrun

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	readyTimeout = 10 * time.Second
	stopTimeout  = 5 * time.Second // from SIGTERM to SIGKILL
	portAttempts = 5
	logTail      = 8 << 10 // bytes
	logName      = "redis-server.log"
)

// ErrNoServer reports that there is no redis-server program on this machine.
var ErrNoServer = errors.New("redis-server not found in PATH: run apt-get install -y redis-server")

var errPortTaken = errors.New("somebody else took the port")

// Server is a running redis-server.
type Server struct {
	network, addr string
	dir           string
	removeDir     bool
	pid           int
	proc          *process
	client        *redis.Client

	stopOnce sync.Once
	stopErr  error
}

// Start starts a server as o says, and returns it when it answers. The error is
// ErrNoServer when the program is missing, and has the server's own last words when
// it did not come up. The caller has to call Stop.
func Start(ctx context.Context, o Options) (*Server, error) {
	binary := o.Binary
	if binary == "" {
		binary = "redis-server"
	}
	path, err := exec.LookPath(binary)
	if err != nil {
		if o.Binary == "" {
			return nil, ErrNoServer
		}
		return nil, fmt.Errorf("server program: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		s, err := startOnce(ctx, o, path)
		if errors.Is(err, errPortTaken) && o.Port == 0 && attempt < portAttempts {
			continue
		}
		return s, err
	}
}

// startOnce does the work of Start with the program binary, once. The error is
// errPortTaken when somebody else listens on the port.
func startOnce(ctx context.Context, o Options, binary string) (_ *Server, err error) {
	s := &Server{dir: o.Dir}
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "redisrun-"); err != nil {
			return nil, fmt.Errorf("directory for redis-server: %w", err)
		}
		s.removeDir = true
	}
	defer func() {
		if err != nil {
			_ = s.Stop()
		}
	}()
	var listen []string
	if s.network, s.addr, listen, err = o.listen(s.dir); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(s.dir, logName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log of redis-server: %w", err)
	}
	defer log.Close()
	before, err := log.Seek(0, 2) // an earlier server's words in the same directory
	if err != nil {
		return nil, fmt.Errorf("log of redis-server: %w", err)
	}

	args := append([]string{binary}, listen...)
	args = append(args, "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", s.dir)
	if o.Password != "" {
		args = append(args, "--requirepass", o.Password)
	}
	args = append(args, o.Args...)
	args = append(append([]string{}, o.Wrapper...), args...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	if s.proc, err = startProcess(cmd); err != nil {
		return nil, fmt.Errorf("start redis-server: %w", err)
	}

	s.client = redis.NewClient(&redis.Options{
		Network: s.network, Addr: s.addr, Password: o.Password,
		Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true, DialerRetries: 1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	if err = s.waitReady(ctx, before); err != nil {
		return nil, err
	}
	s.pid = s.proc.pid
	if len(o.Wrapper) > 0 {
		s.pid = descendant(s.proc.pid, filepath.Base(binary))
	}
	return s, nil
}

// waitReady returns nil once the server has said in its log, from the offset logStart
// on, that it listens, and answers. The answer alone would not do: it may come from a
// stranger on the same port.
func (s *Server) waitReady(ctx context.Context, logStart int64) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		log := s.logFrom(logStart)
		if bytes.Contains(log, []byte("eady to accept connections")) { // 2.8: "now ready to", 4.0: "Ready to"
			if err := s.client.Ping(ctx).Err(); answered(err) {
				return nil
			}
		}
		select {
		case <-s.proc.dead:
			log = s.logFrom(logStart)
			if bytes.Contains(log, []byte("Address already in use")) {
				return fmt.Errorf("redis-server on %s: %w", s.addr, errPortTaken)
			}
			return fmt.Errorf("redis-server ended at once; its last words:\n%s", log)
		case <-ctx.Done():
			return fmt.Errorf("redis-server is not ready: %w; its last words:\n%s", ctx.Err(), log)
		case <-tick.C:
		}
	}
}

// answered reports whether err is an answer to PING: an error reply (no password) is
// one too, but for that of a server that still loads its data.
func answered(err error) bool {
	var reply redis.Error
	return err == nil || (errors.As(err, &reply) && !redis.IsLoadingError(err))
}

// Network returns "tcp" or "unix".
func (s *Server) Network() string { return s.network }

// Addr returns "127.0.0.1:port", or the socket's path.
func (s *Server) Addr() string { return s.addr }

// PID returns the server's process id as this process sees it.
func (s *Server) PID() int { return s.pid }

// Dir returns the server's directory.
func (s *Server) Dir() string { return s.dir }

// Client returns a client that is closed by Stop. It is for everything that
// the exporter would never send: writes, BGSAVE, CONFIG SET.
func (s *Server) Client() *redis.Client { return s.client }

// Alive reports whether the server's process still runs.
func (s *Server) Alive() bool { return s.proc.alive() }

// Log returns the end of the server's log; empty after Stop, where Stop
// removes the directory.
func (s *Server) Log() string { return string(s.logFrom(0)) }

// logFrom returns the log from the offset start on, at most its last 8 KiB.
func (s *Server) logFrom(start int64) []byte {
	b, err := os.ReadFile(filepath.Join(s.dir, logName))
	if err != nil || start > int64(len(b)) {
		return nil
	}
	b = b[start:]
	return b[max(0, len(b)-logTail):]
}

// Kill ends the server as the OOM killer would, and its children with it, and
// returns when they are gone. Stop still has to be called.
func (s *Server) Kill() {
	s.proc.signal(syscall.SIGKILL)
	<-s.proc.dead
}

// Stop ends the server, first kindly, and its children, and removes its
// directory if it was a temporary one. Calling it again does nothing.
func (s *Server) Stop() error {
	s.stopOnce.Do(func() { s.stopErr = s.stop() })
	return s.stopErr
}

func (s *Server) stop() error {
	var errs []error
	if s.client != nil {
		errs = append(errs, s.client.Close())
	}
	if s.proc != nil {
		s.proc.signal(syscall.SIGCONT) // a stopped process would not see SIGTERM
		s.proc.signal(syscall.SIGTERM)
		late := time.NewTimer(stopTimeout)
		defer late.Stop()
		select {
		case <-s.proc.dead:
		case <-late.C:
			s.proc.killGroup()
			<-s.proc.dead
		}
	}
	if s.removeDir {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop redis-server: %w", err)
	}
	return nil
}
