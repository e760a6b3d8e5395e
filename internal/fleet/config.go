package fleet

import (
	"errors"
	"log/slog"
	"math"
	"time"
)

// Config says which servers to watch, and how.
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
	SampleBudget   float64       // share of one core that reads of children may take, per server

	Logger *slog.Logger // nil: nothing is logged
}

// check returns an error that says what can't be watched so, and by which flag it
// is said.
func (c *Config) check() error {
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
