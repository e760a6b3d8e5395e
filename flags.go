package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/redis-fork-exporter/redis_fork_exporter/exporter"
	"github.com/redis-fork-exporter/redis_fork_exporter/exporter/api"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/check"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fleet"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/measure"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// Each command has a parser of its own, not one parser commands of its own: so
// nobody's help is full of another's flags, and the exporter's own flags need no
// word before them.

const (
	program = "redis_fork_exporter"

	exporterHelp = `Follows every fork of Redis-compatible servers and exports what each one cost.

For a person at a terminal there are commands, each with a --help of its own:

  redis_fork_exporter check     tells whether servers will survive their next fork
  redis_fork_exporter measure   follows one fork and draws what it cost

  redis_fork_exporter dashboards --output=DIR   writes the dashboards and rules of this version`

	dashboardsHelp = `Writes the Grafana dashboards and the Prometheus and Alertmanager rules that belong to this version.

What is there is replaced, except for redis-fork-limits.yaml, which is yours.`

	checkHelp = `Tells whether servers will survive their next fork, and what about them and their machine should be mended.

It changes nothing. What it can't read, it says to be unknown, with what would make it readable.

Exit status: 0 all is well, 1 there are warnings or unknowns, 2 something fails, 3 a server could not be asked, or the usage is wrong.`

	measureHelp = `Follows one fork of a server and draws what it cost.

Without --trigger it waits for the server's next fork. With one it tells what that fork is expected to cost, asks, and makes the server fork. Nothing else is changed on the server.

Exit status: 0 the fork ended well, 1 it failed or was cancelled, 2 wrong usage, 3 no fork was measured.`
)

func newParser(name, help string) *kingpin.Application {
	app := kingpin.New(name, help)
	app.HelpFlag.Short('h')
	app.Version(version.Print(program))
	return app
}

// serverFlags adds the flags about servers and credentials, which all commands share,
// to app; what is the help of --server. Their defaults are what c says; what they say
// is in c after finish.
func serverFlags(app *kingpin.Application, c *fleet.Config, what string) (finish func() error) {
	servers := app.Flag("server", what+", as [NAME=]ADDR. ADDR: host:port, redis://[user@]host:port, rediss://[user@]host:port (TLS) or unix:///path. NAME is the value of the label \"server\", by default the address.").
		Default(c.Targets[0].Display()).Strings()
	app.Flag("redis.user", "ACL user to log in as.").Envar("REDIS_USER").StringVar(&c.User)
	app.Flag("redis.password-file", "File that holds the password; read anew for each connection. Without it the environment variable REDIS_PASSWORD is used.").
		Envar("REDIS_PASSWORD_FILE").StringVar(&c.PasswordFile)
	app.Flag("redis.tls-ca-file", "Certificate authorities (PEM) for rediss:// servers; by default the system's.").StringVar(&c.TLS.CAFile)
	app.Flag("redis.tls-cert-file", "Client certificate (PEM) for rediss:// servers.").StringVar(&c.TLS.CertFile)
	app.Flag("redis.tls-key-file", "Key (PEM) of the client certificate.").StringVar(&c.TLS.KeyFile)
	app.Flag("redis.tls-server-name", "Name to expect in the server's certificate, if it is not the host's.").StringVar(&c.TLS.ServerName)
	app.Flag("redis.tls-insecure-skip-verify", "Accept any certificate.").BoolVar(&c.TLS.InsecureSkipVerify)
	app.Flag("path.procfs", "Where procfs is mounted.").Default(c.ProcFS).StringVar(&c.ProcFS)
	app.Flag("path.sysfs", "Where sysfs is mounted.").Default(c.SysFS).StringVar(&c.SysFS)
	return func() error {
		c.Password = os.Getenv("REDIS_PASSWORD")
		c.Targets = nil
		var bad []error
		for _, s := range *servers {
			t, err := fleet.ParseTarget(s)
			bad = append(bad, err)
			c.Targets = append(c.Targets, t)
		}
		return errors.Join(bad...)
	}
}

// samplingFlags adds the flags about how a running child is read to app. Their
// defaults are what c says, and what they say is in c.
func samplingFlags(app *kingpin.Application, c *fleet.Config) {
	app.Flag("sampling.interval", "Time between two points of a running fork's curve; after 30 s of life at least 1s.").Default(c.SampleInterval.String()).DurationVar(&c.SampleInterval)
	app.Flag("sampling.budget", "Share of one core that sampling children may take, per server.").Default(strconv.FormatFloat(c.SampleBudget, 'g', -1, 64)).Float64Var(&c.SampleBudget)
	app.Flag("poll.interval", "How often new children are looked for.").Default(c.PollInterval.String()).DurationVar(&c.PollInterval)
}

// parseExporter turns flags and environment into the exporter's configuration.
func parseExporter(args []string) (exporter.Config, *promslog.Config, error) {
	c := exporter.DefaultConfig()
	app := newParser(program, exporterHelp)
	servers := serverFlags(app, &c.Config, "Server to watch (repeatable)")
	sampling := app.Flag("sampling", "Whether to read the memory of fork children: on or off. Off leaves births, deaths and INFO.").Default("on").Enum("on", "off")
	samplingFlags(app, &c.Config)
	app.Flag("web.telemetry-path", "Path of the metrics.").Default(c.TelemetryPath).StringVar(&c.TelemetryPath)
	c.Web = kingpinflag.AddFlags(app, exporter.DefaultAddress)
	logs := &promslog.Config{}
	promslogflag.AddFlags(app, logs)
	if _, err := app.Parse(args); err != nil {
		return c, nil, misplaced(args, err)
	}
	c.Sampling = *sampling == "on"
	return c, logs, servers()
}

// misplaced returns err, which parsing args gave; where a command stands behind the
// first word, an error that says so.
func misplaced(args []string, err error) error {
	for _, a := range args {
		if command(a) != nil {
			return fmt.Errorf("the command comes first: %s %s, then the flags", program, a)
		}
	}
	return err
}

// parseDashboards returns the directory to write to.
func parseDashboards(args []string) (dir string, err error) {
	app := newParser(program+" dashboards", dashboardsHelp)
	app.Flag("output", "Directory to write them into; it is made if need be.").Required().PlaceHolder("DIR").StringVar(&dir)
	_, err = app.Parse(args)
	return dir, err
}

// parseCheck turns flags and environment into what check needs.
func parseCheck(args []string) (check.Options, error) {
	o := check.Options{Config: fleet.DefaultConfig()}
	app := newParser(program+" check", checkHelp)
	format := app.Flag("format", "Format of the answer: text or json.").Default("text").Enum("text", "json")
	url := app.Flag("exporter", "Start page of a running exporter, whose record of past forks to go by; such as http://localhost:10121.").PlaceHolder("URL").String()
	servers := serverFlags(app, &o.Config, "Server to check (repeatable)")
	if _, err := app.Parse(args); err != nil {
		return o, err
	}
	o.JSON = *format == "json"
	if *url != "" {
		client, err := api.NewClient(*url)
		if err != nil {
			return o, fmt.Errorf("--exporter=%s: %w", *url, err)
		}
		o.Forks = client.Forks
	}
	return o, servers()
}

// parseMeasure turns flags and environment into what measure needs.
func parseMeasure(args []string) (measure.Options, error) {
	o := measure.Options{Config: fleet.DefaultConfig()}
	app := newParser(program+" measure", measureHelp)
	trigger := app.Flag("trigger", "Make the server fork: bgsave, bgrewriteaof, or none.").Default("none").Enum("bgsave", "bgrewriteaof", "none")
	app.Flag("yes", "Don't ask before the fork is triggered.").BoolVar(&o.Yes)
	app.Flag("output", "Write the fork's record to this file, as JSON.").PlaceHolder("FILE.json").StringVar(&o.Output)
	app.Flag("show", "Measure nothing; draw the record in this file.").PlaceHolder("FILE.json").StringVar(&o.Show)
	servers := serverFlags(app, &o.Config, "Server whose fork to follow")
	samplingFlags(app, &o.Config)
	if _, err := app.Parse(args); err != nil {
		return o, err
	}
	if err := servers(); err != nil {
		return o, err
	}
	switch *trigger {
	case "bgsave":
		o.Trigger = redisinfo.BGSave
	case "bgrewriteaof":
		o.Trigger = redisinfo.BGRewriteAOF
	}
	switch {
	case len(o.Config.Targets) != 1:
		return o, errors.New("measure follows one server: give --server once")
	case o.Show != "" && (o.Trigger != "" || o.Output != ""):
		return o, errors.New("--show draws a record and measures nothing: leave --trigger and --output out")
	}
	return o, nil
}
