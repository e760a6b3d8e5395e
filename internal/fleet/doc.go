// Package fleet watches the configured servers: it is given their addresses and
// how to watch them, makes one watcher for each, and keeps what all of them
// share. What they find out is in the history that it holds. The exporter serves
// that history and the commands at the terminal draw from it; nothing here knows
// of HTTP.
//
// The defaults of all programs are DefaultConfig's.
package fleet
