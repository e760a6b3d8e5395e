// Command redis_fork_exporter watches the forks of Redis-compatible servers and
// exports what each one cost as Prometheus metrics, pages and JSON.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"
	"github.com/redis/go-redis/v9"

	"github.com/redis-fork-exporter/redis_fork_exporter/dashboards"
	"github.com/redis-fork-exporter/redis_fork_exporter/exporter"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) > 0 && args[0] == "dashboards" {
		return runDashboards(args[1:])
	}
	c, logs, err := parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "redis_fork_exporter: %v\n", err)
		return 2
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1) // a guest beside the server: one core is more than enough
	}
	c.Logger = promslog.New(logs)
	redis.SetLogger(quiet{}) // the library's logger is global; failures reach us as errors

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c.Logger.Info("Starting redis_fork_exporter", "version", version.Info(), "build", version.BuildContext())
	if err := exporter.Run(ctx, c); err != nil {
		c.Logger.Error("The exporter has stopped", "err", err)
		return 1
	}
	c.Logger.Info("Stopped")
	return 0
}

// runDashboards writes the dashboards and rules that belong to this version.
func runDashboards(args []string) int {
	app := kingpin.New("redis_fork_exporter dashboards", "Writes the Grafana dashboards and the Prometheus and Alertmanager rules that belong to this version. What is there is replaced, except for redis-fork-limits.yaml, which is yours.")
	app.HelpFlag.Short('h')
	dir := app.Flag("output", "Directory to write them into; it is made if need be.").Required().PlaceHolder("DIR").String()
	if _, err := app.Parse(args); err != nil {
		fmt.Fprintf(os.Stderr, "redis_fork_exporter dashboards: %v; see redis_fork_exporter dashboards --help\n", err)
		return 2
	}
	written, err := dashboards.Write(*dir)
	for _, name := range written {
		fmt.Println(name)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "redis_fork_exporter dashboards: %v\n", err)
		return 1
	}
	return 0
}

// parse turns flags and environment into a configuration.
func parse(args []string) (exporter.Config, *promslog.Config, error) {
	var c exporter.Config
	app := kingpin.New("redis_fork_exporter", "Follows every fork of Redis-compatible servers and exports what each one cost.")
	app.HelpFlag.Short('h')
	app.Version(version.Print("redis_fork_exporter"))

	servers := app.Flag("server", "Server to watch, as [NAME=]ADDR; repeatable. ADDR: host:port, redis://[user@]host:port, rediss://[user@]host:port (TLS) or unix:///path. NAME is the value of the label \"server\", by default the address.").
		Default("127.0.0.1:6379").Strings()
	app.Flag("redis.user", "ACL user to log in as.").Envar("REDIS_USER").StringVar(&c.User)
	app.Flag("redis.password-file", "File that holds the password; read anew for each connection. Without it the environment variable REDIS_PASSWORD is used.").
		Envar("REDIS_PASSWORD_FILE").StringVar(&c.PasswordFile)
	app.Flag("redis.tls-ca-file", "Certificate authorities (PEM) for rediss:// servers; by default the system's.").StringVar(&c.TLS.CAFile)
	app.Flag("redis.tls-cert-file", "Client certificate (PEM) for rediss:// servers.").StringVar(&c.TLS.CertFile)
	app.Flag("redis.tls-key-file", "Key (PEM) of the client certificate.").StringVar(&c.TLS.KeyFile)
	app.Flag("redis.tls-server-name", "Name to expect in the server's certificate, if it is not the host's.").StringVar(&c.TLS.ServerName)
	app.Flag("redis.tls-insecure-skip-verify", "Accept any certificate.").BoolVar(&c.TLS.InsecureSkipVerify)

	sampling := app.Flag("sampling", "Whether to read the memory of fork children: on or off. Off leaves births, deaths and INFO.").Default("on").Enum("on", "off")
	app.Flag("sampling.interval", "Time between two points of a running fork's curve; after 30 s of life at least 1s.").Default("100ms").DurationVar(&c.SampleInterval)
	app.Flag("sampling.budget", "Share of one core that reading children's smaps may take, per server.").Default("0.01").Float64Var(&c.SampleBudget)
	app.Flag("poll.interval", "How often new children are looked for.").Default("10ms").DurationVar(&c.PollInterval)
	app.Flag("path.procfs", "Where procfs is mounted.").Default("/proc").StringVar(&c.ProcFS)
	app.Flag("path.sysfs", "Where sysfs is mounted.").Default("/sys").StringVar(&c.SysFS)

	app.Flag("web.telemetry-path", "Path of the metrics.").Default("/metrics").StringVar(&c.TelemetryPath)
	c.Web = kingpinflag.AddFlags(app, ":10121")
	logs := &promslog.Config{}
	promslogflag.AddFlags(app, logs)

	if _, err := app.Parse(args); err != nil {
		return c, nil, fmt.Errorf("%w; see --help", err)
	}
	c.Sampling = *sampling == "on"
	c.Password = os.Getenv("REDIS_PASSWORD")
	var bad []error
	for _, s := range *servers {
		t, err := exporter.ParseTarget(s)
		bad = append(bad, err)
		c.Targets = append(c.Targets, t)
	}
	return c, logs, errors.Join(bad...)
}

// quiet drops what go-redis would print.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}
