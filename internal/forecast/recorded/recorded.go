// Package recorded is the form in which series of real forks are kept, to hold
// forecasts against: bench/series records them, tests replay them.
package recorded

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// Case is a fork, and what was known of its server just before. A series is the
// forks of one server, in the order in which they came.
type Case struct {
	Series        string           `json:"series"`
	Resident      opt.Val[uint64]  `json:"resident,omitzero"`
	Anonymous     opt.Val[uint64]  `json:"anonymous,omitzero"`
	AnonymousHuge opt.Val[uint64]  `json:"anonymous_huge,omitzero"`
	PageTables    opt.Val[uint64]  `json:"page_tables,omitzero"`
	ChangesPerSec opt.Val[float64] `json:"write_rate,omitzero"`
	GrowthPerSec  opt.Val[float64] `json:"growth_rate,omitzero"`
	Fork          fork.Record      `json:"fork"` // closed, without its curves over time
}

// New returns the Case of the fork f of the named series, before which the server was
// in the state before.
func New(series string, before track.State, f fork.Record) Case {
	f.Curve, f.CopiedCurve, f.Reported = nil, nil, nil
	return Case{
		Series: series, Resident: before.ResidentBytes, Anonymous: before.AnonymousBytes, AnonymousHuge: before.HugeBytes,
		PageTables: before.PageTableBytes, ChangesPerSec: before.WriteRate, GrowthPerSec: before.GrowthRate, Fork: f,
	}
}

// State returns the server as it was before the fork, with the closed forks recent,
// newest first.
func (c *Case) State(recent []fork.Record) track.State {
	return track.State{
		Name: c.Series, Up: true,
		ResidentBytes: c.Resident, AnonymousBytes: c.Anonymous, HugeBytes: c.AnonymousHuge, PageTableBytes: c.PageTables,
		WriteRate: c.ChangesPerSec, GrowthRate: c.GrowthPerSec, Recent: recent,
	}
}

// Read reads cases, one JSON object a line.
func Read(r io.Reader) ([]Case, error) {
	var out []Case
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c Case
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("recorded fork %d: %w", len(out)+1, err)
		}
		out = append(out, c)
	}
	return out, lines.Err()
}
