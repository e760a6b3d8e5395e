// Package chart draws forks: the growth of a child's private dirty memory from
// birth to death, as SVG made on the server, and as characters for a terminal
// (text.go).
//
// Everything here is a pure function of a fork.Record and, for a fork that
// still runs, of the present moment. No file, no socket, no script. The
// pictures carry classes instead of colors; Stylesheet gives the classes their
// colors, in light and in dark. How a figure, a kind or an outcome is written is in
// internal/words, because it must read the same in a picture and beside it.
package chart
