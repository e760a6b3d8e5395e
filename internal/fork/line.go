package fork

// Line is one of the three curves that a server's forks draw.
type Line int

// The lines of a server. All are in bytes.
const (
	LinePrivateDirty Line = iota // the child's private dirty memory
	LineCopied                   // what was copied since the birth
	LineResident                 // the server's resident memory
	Lines                        // how many there are
)
