// Package pages serves what people read in a browser: the landing page, the table of
// forks, the page of one fork.
//
// It renders copies of the history and nothing else: it asks no server, opens
// no file and knows neither configuration nor sockets. No page has a script or
// an inline style, so that a strict Content-Security-Policy holds. Links are
// relative, so that the pages work under any path a reverse proxy puts them.
package pages
