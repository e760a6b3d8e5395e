// Package measure is the command measure: it follows one fork of one server at a
// terminal, from a forecast to a report.
//
// The following is internal/fleet's and the record internal/fork's; here is only what a
// person sees of it: the phases of a session (session.go), the line that changes
// (live.go), and the texts of forecast and report, which are pure. It may start the
// fork, if its user asks for that and says yes; nothing else on the server is
// changed.
package measure
