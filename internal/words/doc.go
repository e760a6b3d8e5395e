// Package words holds every sentence about a fork that more than one reader gets to
// see: how figures are written, what kinds, outcomes and sources are called, what a
// forecast rests on, and what to do about something that can't be read. The pages,
// the commands and the log all take them from here, so they say the same.
//
// Everything here is a pure function that returns plain text: no file, no markup, no
// color.
package words
