package redisinfo

import (
	"path"
	"strings"
)

// identity is what the first section says about which software answers.
type identity struct {
	redisVersion, valkeyVersion, dragonflyVersion string
	serverName                                    string // since Valkey 7.2.4
	executable                                    string
}

// into fills Software and Version of i and reports whether they are known. Valkey and
// Dragonfly send a redis_version too: that of the Redis they are compatible with.
func (id *identity) into(i *Info) bool {
	switch {
	case id.dragonflyVersion != "":
		i.Software, i.Version = SoftwareDragonfly, id.dragonflyVersion
	case id.valkeyVersion != "":
		i.Software, i.Version = SoftwareValkey, id.valkeyVersion
	case id.redisVersion == "":
		return false
	case id.serverName == "valkey":
		i.Software, i.Version = SoftwareValkey, id.redisVersion
	case strings.HasPrefix(path.Base(id.executable), "keydb"):
		i.Software, i.Version = SoftwareKeyDB, id.redisVersion // KeyDB's own: it has no other version field
	default:
		i.Software, i.Version = SoftwareRedis, id.redisVersion
	}
	return true
}

// NeverForks reports whether the software has no fork at all; false where i is nil, as
// the server has not said yet what it is.
func (i *Info) NeverForks() bool {
	return i != nil && i.Software == SoftwareDragonfly
}

// ownField sets Software to KeyDB, after a field that only KeyDB sends (seen in 6.x:
// server_threads in section CPU, mvcc_depth in section KeyDB). Its first section
// differs from Redis' by the program's name alone.
func (p *parser) ownField() {
	if p.info.Software == SoftwareRedis {
		p.info.Software = SoftwareKeyDB
	}
}

// forkless reports whether bgsaveType, the value of rdb_current_bgsave_type (Valkey
// 9.2+), means that the save has no child. The other values are fork and none.
// Development versions said thread.
func forkless(bgsaveType string) bool {
	return bgsaveType == "forkless" || bgsaveType == "thread"
}
