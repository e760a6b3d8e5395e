// Package check is the command check: it tells, before there is trouble, whether
// servers will survive their next fork, and what about them and their machine
// should be mended. It changes nothing, and needs only what it can get: what can't
// be read is said to be unknown, with what would make it readable.
//
// The servers are watched for a few seconds as the exporter watches them
// (internal/fleet), so what check knows is what the exporter would know;
// gather.go asks on top what only check wants to know. The findings (finding*.go)
// are pure functions of these facts, one for each anchor in docs/check.md.
package check
