package fleet

import "time"

// DefaultConfig returns the configuration that holds where nothing else is asked for:
// one server, at Redis' own port of this machine.
func DefaultConfig() Config {
	const addr = "127.0.0.1:" + defaultPort
	return Config{
		Targets: []Target{{Name: addr, Network: "tcp", Addr: addr}},
		ProcFS:  "/proc", SysFS: "/sys",
		PollInterval:   10 * time.Millisecond,
		Sampling:       true,
		SampleInterval: 100 * time.Millisecond,
		SampleBudget:   0.01,
	}
}
