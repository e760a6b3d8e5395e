package redisinfo

import (
	"bytes"
	"errors"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// ErrNotInfo reports that bytes are no reply to INFO, or less than the first section
// of one.
var ErrNotInfo = errors.New("not a reply to INFO")

// Parse returns what b says, a reply to INFO. It believes a line only with its line
// end (LF or CRLF), so that a number that was cut short is absent rather than wrong;
// what follows from lines that are *not* there it believes only of sections that are
// complete, which the next section's header shows. Of a field that is sent twice the
// first counts, for the same reason: more input may add to the result but never
// change it. Lines it does not understand are skipped.
//
// The one exception is Software of a KeyDB whose program was renamed: it shows late
// in the reply, and until then looks like Redis.
//
// The error is ErrNotInfo: no version in a complete first section.
func Parse(b []byte) (Info, error) {
	var p parser
	for {
		line, rest, complete := bytes.Cut(b, []byte{'\n'})
		if !complete {
			break
		}
		b = rest
		p.line(bytes.TrimSuffix(line, []byte{'\r'}))
	}
	if !p.identified {
		return Info{}, ErrNotInfo
	}
	p.info.ForklessSave = p.info.BGSaveInProgress.Or(false) && forkless(p.bgsaveType)
	return p.info, nil
}

// parser holds what takes more than one line to decide.
type parser struct {
	info Info

	identity   identity
	identified bool // identity is decided and in info

	bgsaveType     string          // rdb_current_bgsave_type
	replicaBuffers opt.Val[uint64] // mem_clients_slaves

	errorstats       bool // section Errorstats is being read
	replication      bool // section Replication is being read
	waiting, sending int  // replicas so far
}

// line takes line, without its end: a section's header or a field.
func (p *parser) line(line []byte) {
	if len(line) > 0 && line[0] == '#' {
		p.endSection()
		p.beginSection(line)
		return
	}
	key, value, ok := bytes.Cut(line, []byte{':'})
	if !ok {
		return
	}
	if !p.server(key, value) && !p.memory(key, value) && !p.persistence(key, value) && !p.stats(key, value) {
		p.replicas(key, value)
	}
}

// beginSection notes which section header begins, as far as that makes a difference.
func (p *parser) beginSection(header []byte) {
	switch string(bytes.TrimLeft(header, "# ")) {
	case "Errorstats":
		p.errorstats = true
	case "Replication":
		p.replication = true
	}
}

// endSection fills in what follows from the lines that a section does not have.
func (p *parser) endSection() {
	if !p.identified {
		p.identified = p.identity.into(&p.info)
	}
	if !p.info.ReplicationBytes.Present() {
		p.info.ReplicationBytes = p.replicaBuffers
	}
	if p.errorstats {
		p.errorstats = false
		first(&p.info.MisconfErrors, opt.Of[uint64](0))
	}
	if p.replication {
		p.replication = false
		first(&p.info.ReplicasWaiting, opt.Of(p.waiting))
		first(&p.info.ReplicasSending, opt.Of(p.sending))
	}
}
