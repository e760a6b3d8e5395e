// Package rig is what the benches share: programs and servers' surroundings that
// are started, made or set and always undone, readings of the kernel and of
// exporters' metrics, statistics and tables. It measures nothing by itself.
package rig
