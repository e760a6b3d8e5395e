// Package forecast says what a server's next fork will need, what it has, and
// whether it will survive.
//
// Everything here is a function of a track.State and the limits.Host: no
// file is opened, no clock read, and nothing kept. What has no basis is absent.
// docs/forecast.md tells how the forecast is made, how good it was, and when it
// misleads.
package forecast
