package fork

import "strings"

// Kind is what a fork was for.
type Kind string

// The kinds of forks. Unknown is said where neither the child's title nor INFO
// tells, and never guessed away.
const (
	KindRDB           Kind = "rdb"
	KindAOF           Kind = "aof"
	KindReplication   Kind = "replication"
	KindModule        Kind = "module"
	KindSlotMigration Kind = "slot_migration"
	KindUnknown       Kind = "unknown"
)

// Kinds lists every Kind in the order in which people read them.
var Kinds = [...]Kind{KindRDB, KindAOF, KindReplication, KindModule, KindSlotMigration, KindUnknown}

// KindOfTitle returns the kind that a child's title tells, which the child sets a
// moment after the fork; unknown where it has none yet. Titles pass through the server's proc-title-template
// and carry the program's name (redis-, valkey-, keydb-), so substrings are
// matched. A slot migration of Redis 8.4 has the title of a diskless sync.
func KindOfTitle(title string) Kind {
	for _, t := range [...]struct {
		part string
		kind Kind
	}{
		{"-rdb-bgsave", KindRDB},
		{"-rdb-to-slaves", KindReplication},
		{"-rdb-to-replicas", KindReplication}, // Valkey 8.1+
		{"-aof-rewrite", KindAOF},
		{"-module-fork", KindModule},
		{"-slot-migration", KindSlotMigration}, // Valkey 9.0+
	} {
		if strings.Contains(title, t.part) {
			return t.kind
		}
	}
	return KindUnknown
}
